import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { aliases, runCli, verbs } from "../../../pkg/cli/index.ts";
import { GetMetadataAllocatedResponse } from "../../../pkg/gen/snapshotmetadata/snapshotmetadata.ts";
import { kubeconfigOf, makeIdentity } from "../../support/identity.ts";
import type { RawDriverCall, SeenCall } from "../../support/raw-driver.ts";
import { type Ground, openRig, type Rig, untilReady } from "../snapshotmetadata/rig.ts";

/** What a driver's stream does: messages of ranges [offset, size], then an end. */
export interface Answer {
  readonly messages?: readonly (readonly (readonly [number, number])[])[];
  readonly capacity?: number;
  readonly type?: 1 | 2;
  /** The end waits for this. */
  readonly until?: Promise<void>;
  /** gRPC status; absent: OK. */
  readonly fail?: { readonly code: number; readonly details: string };
}

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the command line finds around it. */
export interface Surroundings {
  /** Which of its streams are terminals, and how wide. */
  readonly terminals?: { readonly stdout?: number; readonly stderr?: number };
  readonly env?: Readonly<Record<string, string>>;
  /** Name that it was started by. */
  readonly program?: string;
}

/** The command line in front of a real metadata server, as a ServiceAccount with a backup program's rights. */
export interface CliRig extends AsyncDisposable {
  readonly rig: Rig;
  readonly folder: string;
  readonly kubeconfig: string;
  /** Runs kubectl-protect with the connection's flags added. */
  run(argv: readonly string[], around?: Surroundings): Promise<CliRun>;
  /** Changes the SnapshotMetadataService of the driver. */
  announce(spec: Partial<SnapshotMetadataService["spec"]>): Promise<void>;
}

/** Starts driver, server and identity; `answer` says what each of the driver's streams does. */
export async function openCliRig(
  ground: Ground,
  answer: (seen: SeenCall) => Answer,
  serverFlags: readonly string[] = [],
): Promise<CliRig> {
  await using stack = new AsyncDisposableStack();
  const stream = (call: RawDriverCall, seen: SeenCall): void => void play(call, answer(seen));
  const rig = stack.use(await openRig(ground, { driver: { stream }, flags: serverFlags }));
  const { admin, namespace } = rig;
  await untilReady(rig);
  const reader = await makeIdentity(admin, { namespace, name: "reader" }, [
    {
      apiGroups: ["snapshot.storage.k8s.io"],
      resources: ["volumesnapshots", "volumesnapshotcontents"],
      verbs: ["get"],
    },
    { apiGroups: ["cbt.storage.k8s.io"], resources: ["snapshotmetadataservices"], verbs: ["get"] },
    { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
  ]);
  const folder = await mkdtemp(join(tmpdir(), "cli-rig-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, await kubeconfigOf(admin, reader, ground.kubeconfigText));
  const connection = [`--kubeconfig=${kubeconfig}`, `--namespace=${namespace}`, `--address=127.0.0.1:${rig.port}`];
  const owned = stack.move();
  return {
    ...{ rig, folder, kubeconfig },
    run: (argv, around) => runTool([...argv, ...connection], around),
    announce: async (spec) => {
      await admin.patch(SnapshotMetadataService, { name: rig.driverName }, { type: "merge", body: { spec } });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Runs a command line in this process, as its main does. */
export async function runTool(
  argv: readonly string[],
  { terminals = {}, env = {}, program = "kubectl-protect" }: Surroundings = {},
): Promise<CliRun> {
  const [stdout, stderr] = [screen(terminals.stdout), screen(terminals.stderr)];
  const io = { stdout, stderr, env, signal: new AbortController().signal, version: "v1" };
  const code = await runCli({ program, verbs, aliases, argv, kill: () => undefined }, io);
  return { code, stdout: String(stdout.read() ?? ""), stderr: String(stderr.read() ?? "") };
}

function screen(columns: number | undefined): PassThrough & { isTTY?: boolean; columns?: number } {
  const stream = new PassThrough({ highWaterMark: 2 ** 24 });
  return columns === undefined ? stream : Object.assign(stream, { isTTY: true, columns });
}

async function play(call: RawDriverCall, { messages = [], capacity = 2 ** 20, type = 1, until, fail }: Answer) {
  for (const ranges of messages) {
    const blockMetadata = ranges.map(([byteOffset, sizeBytes]) => ({
      byteOffset: BigInt(byteOffset),
      sizeBytes: BigInt(sizeBytes),
    }));
    const message = { blockMetadataType: type, volumeCapacityBytes: BigInt(capacity), blockMetadata };
    call.write(Buffer.from(GetMetadataAllocatedResponse.encode(message).finish()));
  }
  await until;
  if (fail) call.emit("error", fail);
  else call.end();
}
