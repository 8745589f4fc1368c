import type { Server } from "@grpc/grpc-js";
import {
  type ControllerServer,
  ControllerService,
  type IdentityServer,
  IdentityService,
  type Snapshot,
  type SnapshotMetadataServer,
  SnapshotMetadataService,
} from "../../gen/csi/v1/csi.ts";
import type { ControllerContext } from "./controller/context.ts";
import { createVolume } from "./controller/create-volume.ts";
import * as snapshots from "./controller/snapshots.ts";
import * as volumes from "./controller/volumes.ts";
import type { Fault } from "./faults/fault-plan.ts";
import { controllerCapabilities, pluginCapabilities, pluginInfo } from "./identity.ts";
import type { MetadataContext } from "./metadata/context.ts";
import { metadataAllocated, metadataDelta } from "./metadata/streams.ts";
import type { Handlers } from "./rpc/handlers.ts";

export interface ServiceDeps {
  readonly driverName: string;
  readonly controller: ControllerContext;
  readonly metadata: MetadataContext;
  readonly handlers: Handlers;
}

/** Registers everything the driver offers. */
export function addServices(server: Server, deps: ServiceDeps): void {
  server.addService(IdentityService, identity(deps));
  server.addService(ControllerService, controller(deps));
  server.addService(SnapshotMetadataService, snapshotMetadata(deps));
}

function identity({ driverName, handlers }: ServiceDeps): IdentityServer {
  return {
    getPluginInfo: handlers.unary("GetPluginInfo", async () => pluginInfo(driverName)),
    getPluginCapabilities: handlers.unary("GetPluginCapabilities", async () => pluginCapabilities()),
    probe: handlers.unary("Probe", async (_request, { fault }) => ({ ready: fault?.notReady !== true })),
  };
}

function controller({ controller: context, handlers }: ServiceDeps): ControllerServer {
  return {
    createVolume: handlers.unary("CreateVolume", (request, call) => createVolume(context, request, call)),
    deleteVolume: handlers.unary("DeleteVolume", (request, call) => volumes.deleteVolume(context, request, call)),
    listVolumes: handlers.unary("ListVolumes", (request) => volumes.listVolumes(context, request)),
    controllerGetVolume: handlers.unary("ControllerGetVolume", (request) =>
      volumes.controllerGetVolume(context, request),
    ),
    validateVolumeCapabilities: handlers.unary("ValidateVolumeCapabilities", (request) =>
      volumes.validateVolumeCapabilities(context, request),
    ),
    getCapacity: handlers.unary("GetCapacity", (request) => volumes.getCapacity(context, request)),
    controllerGetCapabilities: handlers.unary("ControllerGetCapabilities", async () => controllerCapabilities()),
    controllerExpandVolume: handlers.unary("ControllerExpandVolume", (request, call) =>
      volumes.controllerExpandVolume(context, request, call),
    ),
    createSnapshot: handlers.unary("CreateSnapshot", async (request, call) => {
      const { snapshot } = await snapshots.createSnapshot(context, request, call);
      return { snapshot: readiness(snapshot, call.fault) };
    }),
    deleteSnapshot: handlers.unary("DeleteSnapshot", (request, call) =>
      snapshots.deleteSnapshot(context, request, call),
    ),
    listSnapshots: handlers.unary("ListSnapshots", async (request, call) => {
      const { entries, nextToken } = await snapshots.listSnapshots(context, request);
      return { entries: entries.map(({ snapshot }) => ({ snapshot: readiness(snapshot, call.fault) })), nextToken };
    }),
    getSnapshot: handlers.unary("GetSnapshot", async (request, call) => {
      const { snapshot } = await snapshots.getSnapshot(context, request);
      return { snapshot: readiness(snapshot, call.fault) };
    }),
    controllerPublishVolume: handlers.unimplemented("ControllerPublishVolume"),
    controllerUnpublishVolume: handlers.unimplemented("ControllerUnpublishVolume"),
    controllerModifyVolume: handlers.unimplemented("ControllerModifyVolume"),
  };
}

function snapshotMetadata({ metadata: context, handlers }: ServiceDeps): SnapshotMetadataServer {
  return {
    getMetadataAllocated: handlers.serverStream("GetMetadataAllocated", (request, call) =>
      metadataAllocated(context, request, call),
    ),
    getMetadataDelta: handlers.serverStream("GetMetadataDelta", (request, call) =>
      metadataDelta(context, request, call),
    ),
  };
}

function readiness(snapshot: Snapshot | undefined, fault: Fault | undefined): Snapshot | undefined {
  return snapshot === undefined ? undefined : { ...snapshot, readyToUse: fault?.notReady !== true };
}
