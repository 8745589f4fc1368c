import { generateName } from "../../registry/writes.ts";
import { type FieldError, forbidden, index, invalid, required } from "../../wire/field-error.ts";
import {
  at,
  copy,
  equalSemantic,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  objectAt,
  textAt,
} from "../../wire/json.ts";
import { dnsLabel, dnsSubdomain } from "../../wire/names.ts";
import { type BuiltinKind, keepField } from "../built-in-kind.ts";
import { fill } from "../codec.ts";

function containerDefaults(container: Json): void {
  if (!isObject(container)) return;
  const image = textAt(container, "image");
  const tag = /:([^/:@]+)$/.exec(image)?.[1];
  fill(
    container,
    "imagePullPolicy",
    image.includes("@") || (tag !== undefined && tag !== "latest") ? "IfNotPresent" : "Always",
    "",
  );
  fill(container, "terminationMessagePath", "/dev/termination-log", "");
  fill(container, "terminationMessagePolicy", "File", "");
  for (const port of listAt(container, "ports")) if (isObject(port)) fill(port, "protocol", "TCP", "");
}

function volumeDefaults(volume: Json): void {
  if (!isObject(volume)) return;
  for (const source of ["configMap", "secret", "projected", "downwardAPI"]) {
    const value = volume[source];
    if (isObject(value)) fill(value, "defaultMode", 0o644);
  }
  for (const part of listAt(volume, "projected", "sources")) {
    const token = isObject(part) ? part["serviceAccountToken"] : undefined;
    if (isObject(token)) fill(token, "expirationSeconds", 3600);
  }
  if (Object.keys(volume).length === 1) volume["emptyDir"] = {};
}

function specDefaults(spec: JsonObject): void {
  for (const field of ["containers", "initContainers"]) for (const each of listAt(spec, field)) containerDefaults(each);
  for (const each of listAt(spec, "volumes")) volumeDefaults(each);
  fill(spec, "restartPolicy", "Always", "");
  fill(spec, "terminationGracePeriodSeconds", 30);
  fill(spec, "dnsPolicy", "ClusterFirst", "");
  fill(spec, "securityContext", {});
  fill(spec, "schedulerName", "default-scheduler", "");
  fill(spec, "enableServiceLinks", true);
  const account = textAt(spec, "serviceAccountName") || textAt(spec, "serviceAccount");
  if (account !== "") {
    spec["serviceAccountName"] = account;
    spec["serviceAccount"] = account;
  }
}

/** What admission adds to a pod: its account with a token, tolerations and priority. */
function admit(spec: JsonObject): void {
  fill(spec, "serviceAccountName", "default", "");
  fill(spec, "serviceAccount", textAt(spec, "serviceAccountName"), "");
  if (at(spec, "automountServiceAccountToken") !== false) mountToken(spec);
  fill(spec, "priority", 0);
  fill(spec, "preemptionPolicy", "PreemptLowerPriority");
  const tolerations = listAt(spec, "tolerations");
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
    if (!tolerations.some((each) => textAt(each, "key") === key)) {
      tolerations.push({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 });
    }
  }
  spec["tolerations"] = tolerations;
}

const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";

function mountToken(spec: JsonObject): void {
  const name = generateName("kube-api-access-");
  spec["volumes"] = [
    ...listAt(spec, "volumes"),
    {
      name,
      projected: {
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
          { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          {
            downwardAPI: {
              items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
            },
          },
        ],
        defaultMode: 0o644,
      },
    },
  ];
  for (const field of ["containers", "initContainers"]) {
    for (const container of listAt(spec, field)) {
      if (
        !isObject(container) ||
        listAt(container, "volumeMounts").some((each) => textAt(each, "mountPath") === tokenPath)
      )
        continue;
      container["volumeMounts"] = [
        ...listAt(container, "volumeMounts"),
        { name, readOnly: true, mountPath: tokenPath },
      ];
    }
  }
}

function containerErrors(container: Json, path: string): FieldError[] {
  const name = textAt(container, "name");
  return [
    ...(name === "" ? [required(`${path}.name`)] : dnsLabel(name).map((why) => invalid(`${path}.name`, name, why))),
    ...(textAt(container, "image") === "" ? [required(`${path}.image`)] : []),
  ];
}

function mutable(spec: JsonObject): JsonObject {
  const {
    activeDeadlineSeconds: _deadline,
    tolerations: _tolerations,
    terminationGracePeriodSeconds: _grace,
    ...rest
  } = copy(spec);
  for (const field of ["containers", "initContainers"]) {
    for (const container of listAt(rest, field)) if (isObject(container)) delete container["image"];
  }
  return rest;
}

/** Pods, as far as they can be without a node: nothing runs them. */
export const podKind: BuiltinKind = {
  group: "",
  resource: "pods",
  struct: "core.v1.Pod",
  checkName: dnsSubdomain,
  defaults(object) {
    const spec = objectAt(object, "spec");
    specDefaults(spec);
    object["spec"] = spec;
    const status = objectAt(object, "status");
    fill(status, "phase", "Pending", "");
    object["status"] = status;
  },
  prepareCreate(next) {
    const meta = objectAt(next, "metadata");
    meta["generation"] = 1;
    next["status"] = { phase: "Pending", qosClass: "BestEffort" };
    admit(objectAt(next, "spec"));
  },
  prepareUpdate(next, old) {
    keepField(next, old, "status");
    if (!equalSemantic(next["spec"], old["spec"])) {
      objectAt(next, "metadata")["generation"] = Number(at(old, "metadata", "generation") ?? 0) + 1;
    }
  },
  validate(object) {
    const containers = listAt(object, "spec", "containers");
    return [
      ...(containers.length === 0 ? [required("spec.containers")] : []),
      ...containers.flatMap((each, position) => containerErrors(each, index("spec.containers", position))),
    ];
  },
  validateUpdate: (next, old) =>
    equalSemantic(mutable(objectAt(next, "spec")), mutable(objectAt(old, "spec")))
      ? []
      : [
          forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
          ),
        ],
  fields: {
    "spec.nodeName": (object) => textAt(object, "spec", "nodeName"),
    "spec.restartPolicy": (object) => textAt(object, "spec", "restartPolicy"),
    "spec.schedulerName": (object) => textAt(object, "spec", "schedulerName"),
    "spec.serviceAccountName": (object) => textAt(object, "spec", "serviceAccountName"),
    "spec.hostNetwork": (object) => String(at(object, "spec", "hostNetwork") === true),
    "status.phase": (object) => textAt(object, "status", "phase"),
    "status.podIP": (object) => textAt(listAt(object, "status", "podIPs")[0], "ip"),
    "status.podIPs": (object) => textAt(listAt(object, "status", "podIPs")[0], "ip"),
    "status.nominatedNodeName": (object) => textAt(object, "status", "nominatedNodeName"),
  },
  unknownField: (field) => `field label not supported: ${field}`,
  extra: {
    grace(object, asked) {
      const seconds = asked ?? Number(at(object, "spec", "terminationGracePeriodSeconds") ?? 30);
      const idle = textAt(object, "spec", "nodeName") === "";
      const done = ["Succeeded", "Failed"].includes(textAt(object, "status", "phase"));
      return idle || done ? 0 : seconds;
    },
    returnsDeleted: true,
  },
};
