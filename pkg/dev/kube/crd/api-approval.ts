import { quote } from "../wire/go-text.ts";
import { type JsonObject, textAt } from "../wire/json.ts";

/** The annotation by which the Kubernetes community approves of an API in its groups. */
export const approvalAnnotation = "api-approved.kubernetes.io";

/** How the annotation was judged. */
export interface Approval {
  readonly isApproved: boolean;
  readonly reason: "MissingAnnotation" | "UnapprovedAnnotation" | "ApprovedAnnotation" | "InvalidAnnotation";
  readonly message: string;
}

/** The approval of a definition; undefined when its group needs none. */
export function approvalOf(definition: JsonObject, spec: JsonObject): Approval | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(textAt(spec, "group"))) return undefined;
  const value = textAt(definition, "metadata", "annotations", approvalAnnotation);
  const needed = `protected groups must have approval annotation ${quote(approvalAnnotation)}`;
  const see = "see https://github.com/kubernetes/enhancements/pull/1111";
  const refused = (reason: Approval["reason"], message: string): Approval => ({ isApproved: false, reason, message });
  if (value === "") return refused("MissingAnnotation", `${needed}, ${see}`);
  if (value.startsWith("unapproved")) return refused("UnapprovedAnnotation", `not approved: ${quote(value)}`);
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/]+/i.test(value)) {
    return { isApproved: true, reason: "ApprovedAnnotation", message: `approved in ${value}` };
  }
  const either = 'with either a URL or a reason starting with "unapproved"';
  return refused("InvalidAnnotation", `${needed} ${either}, ${see}`);
}
