import { VolumeCapability_AccessMode_Mode as Mode, type VolumeCapability } from "../../../gen/csi/v1/csi.ts";
import { Refusal } from "../rpc/refusal.ts";

/** CSI's limit for strings, in bytes. */
const maxStringBytes = 128;

/** Parameters that sidecars add for the driver's information. */
const informative = /^csi\.storage\.k8s\.io\//;

/** Refuses an empty or overlong value of a required text field. */
export function requireText(field: string, value: string): void {
  if (value === "") throw new Refusal("INVALID_ARGUMENT", `${field} is required`);
  const bytes = Buffer.byteLength(value);
  if (bytes > maxStringBytes) {
    throw new Refusal("INVALID_ARGUMENT", `${field} has ${bytes} bytes, at most ${maxStringBytes} are allowed`);
  }
}

/** Refuses parameters that the driver does not know, as a typing error would otherwise go unnoticed. */
export function checkParameters(field: string, parameters: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(parameters).find((key) => !informative.test(key));
  if (unknown !== undefined) {
    throw new Refusal(
      "INVALID_ARGUMENT",
      `${field}: unknown parameter ${JSON.stringify(unknown)}; this driver has none`,
    );
  }
}

/** Why the driver can not serve this capability, or nothing. */
export function capabilityProblem(capability: VolumeCapability): string | undefined {
  if (capability.accessType === undefined) return "access_type is required: block or mount";
  const mode = capability.accessMode?.mode ?? Mode.UNKNOWN;
  if (mode === Mode.UNKNOWN) return "access_mode is required";
  if (mode >= Mode.SINGLE_NODE_WRITER && mode <= Mode.MULTI_NODE_MULTI_WRITER) return undefined;
  return `access_mode ${mode} is not supported: the driver does not offer SINGLE_NODE_MULTI_WRITER`;
}

/** Refuses a missing or unsupported capability. */
export function checkCapabilities(capabilities: readonly VolumeCapability[]): void {
  if (capabilities.length === 0) throw new Refusal("INVALID_ARGUMENT", "volume_capabilities is required");
  for (const [index, capability] of capabilities.entries()) {
    const problem = capabilityProblem(capability);
    if (problem !== undefined) throw new Refusal("INVALID_ARGUMENT", `volume_capabilities[${index}]: ${problem}`);
  }
}

/** The access types asked for, without repetition, in a fixed order. */
export function accessTypes(capabilities: readonly VolumeCapability[]): ("block" | "mount")[] {
  const asked = new Set(capabilities.map((each) => each.accessType?.$case));
  return (["block", "mount"] as const).filter((each) => asked.has(each));
}

/** Whether two parameter maps are equal. */
export function sameParameters(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
