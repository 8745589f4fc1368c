import {
  type ControllerGetCapabilitiesResponse,
  PluginCapability_VolumeExpansion_Type as Expansion,
  type GetPluginCapabilitiesResponse,
  type GetPluginInfoResponse,
  ControllerServiceCapability_RPC_Type as Rpc,
  PluginCapability_Service_Type as Service,
} from "../../gen/csi/v1/csi.ts";

/** Who the driver is. */
export function pluginInfo(name: string): GetPluginInfoResponse {
  return { name, vendorVersion: "0.1.0", manifest: {} };
}

/** The services that are there. */
export function pluginCapabilities(): GetPluginCapabilitiesResponse {
  const services = [Service.CONTROLLER_SERVICE, Service.SNAPSHOT_METADATA_SERVICE];
  return {
    capabilities: [
      ...services.map((type) => ({ type: { $case: "service" as const, value: { type } } })),
      { type: { $case: "volumeExpansion", value: { type: Expansion.ONLINE } } },
    ],
  };
}

/** The controller's RPCs that work; one missing here answers UNIMPLEMENTED. */
export function controllerCapabilities(): ControllerGetCapabilitiesResponse {
  const types = [
    Rpc.CREATE_DELETE_VOLUME,
    Rpc.LIST_VOLUMES,
    Rpc.GET_VOLUME,
    Rpc.GET_CAPACITY,
    Rpc.CLONE_VOLUME,
    Rpc.EXPAND_VOLUME,
    Rpc.CREATE_DELETE_SNAPSHOT,
    Rpc.LIST_SNAPSHOTS,
    Rpc.GET_SNAPSHOT,
  ];
  return { capabilities: types.map((type) => ({ type: { $case: "rpc", value: { type } } })) };
}
