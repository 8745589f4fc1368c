import {
  ControllerService,
  type ControllerServiceCapability_RPC_Type,
  GroupControllerService,
  type GroupControllerServiceCapability_RPC_Type,
  IdentityService,
  type PluginCapability_Service_Type,
  type PluginCapability_VolumeExpansion_Type,
} from "../../gen/csi/v1/csi.ts";
import { Failure } from "../../runtime/errors/index.ts";
import type { CallOptions, DriverConnection, PluginCapabilities, PluginInfo } from "../connection/driver-connection.ts";

type Caller = Pick<DriverConnection, "call">;

/** GetPluginInfo. A driver without a name is a terminal Failure: every object refers to it by name. */
export async function pluginInfo(driver: Caller, options?: CallOptions): Promise<PluginInfo> {
  const info = await driver.call(IdentityService.getPluginInfo, {}, options);
  if (info.name !== "") return info;
  throw new Failure(
    "terminal",
    "DriverNameEmpty",
    "GetPluginInfo answered with an empty name; the driver must have one",
  );
}

/** One Probe call. CSI lets a driver that is always ready leave the field out. */
export async function probe(driver: Caller, options?: CallOptions): Promise<boolean> {
  const { ready } = await driver.call(IdentityService.probe, {}, options);
  return ready ?? true;
}

/** What the plugin offers as a whole; entries without a type are passed over. */
export async function pluginCapabilities(driver: Caller, options?: CallOptions): Promise<PluginCapabilities> {
  const { capabilities } = await driver.call(IdentityService.getPluginCapabilities, {}, options);
  const services = new Set<PluginCapability_Service_Type>();
  const volumeExpansion = new Set<PluginCapability_VolumeExpansion_Type>();
  for (const { type } of capabilities) {
    if (type?.$case === "service") services.add(type.value.type);
    if (type?.$case === "volumeExpansion") volumeExpansion.add(type.value.type);
  }
  return { services, volumeExpansion };
}

/** The controller's RPCs that the driver offers. */
export async function controllerCapabilities(
  driver: Caller,
  options?: CallOptions,
): Promise<ReadonlySet<ControllerServiceCapability_RPC_Type>> {
  const { capabilities } = await driver.call(ControllerService.controllerGetCapabilities, {}, options);
  return new Set(capabilities.flatMap(({ type }) => (type === undefined ? [] : [type.value.type])));
}

/** The group controller's RPCs that the driver offers. */
export async function groupControllerCapabilities(
  driver: Caller,
  options?: CallOptions,
): Promise<ReadonlySet<GroupControllerServiceCapability_RPC_Type>> {
  const { capabilities } = await driver.call(GroupControllerService.groupControllerGetCapabilities, {}, options);
  return new Set(capabilities.flatMap(({ type }) => (type === undefined ? [] : [type.value.type])));
}
