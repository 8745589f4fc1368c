/**
 * Worker: what a sidecar without raw forwarding would be. It decodes each message with the generated codec and encodes it
 * again; it asks nobody about tokens, which is in its favour.
 */
import { readFileSync } from "node:fs";
import { Client, credentials, Metadata, Server, ServerCredentials, type StatusObject, status } from "@grpc/grpc-js";
import { SnapshotMetadataService as Driver, type GetMetadataAllocatedResponse } from "../../../pkg/gen/csi/v1/csi.ts";
import {
  SnapshotMetadataService as Kubernetes,
  type SnapshotMetadataServer,
} from "../../../pkg/gen/snapshotmetadata/snapshotmetadata.ts";
import { answerJobs } from "../measure/worker.ts";

/** Where the driver is, and the files of the server's certificate. */
export interface ProxyJob {
  readonly socket: string;
  readonly cert: string;
  readonly key: string;
}

function implementation(client: Client): SnapshotMetadataServer {
  const { path, requestSerialize, responseDeserialize } = Driver.getMetadataAllocated;
  return {
    getMetadataAllocated: (call) => {
      const { snapshotName: snapshotId, startingOffset, maxResults } = call.request;
      const request = { snapshotId, startingOffset, maxResults, secrets: {} };
      const driver = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
      );
      driver.on("data", (message: GetMetadataAllocatedResponse) => {
        const { blockMetadataType, volumeCapacityBytes, blockMetadata } = message;
        if (call.write({ blockMetadataType, volumeCapacityBytes, blockMetadata })) return;
        driver.pause();
        call.once("drain", () => driver.resume());
      });
      // Comes after all messages only because this driver never fails: good enough to measure, and for nothing else.
      driver.on("end", () => call.end());
      driver.on("error", () => undefined);
      driver.on("status", (end: StatusObject) => {
        if (end.code !== status.OK) call.emit("error", end);
      });
      call.on("cancelled", () => driver.cancel());
    },
    getMetadataDelta: (call) => {
      call.emit("error", { code: status.UNIMPLEMENTED, details: "not measured" });
    },
  };
}

answerJobs(async ({ socket, cert, key }: ProxyJob): Promise<number> => {
  const client = new Client(`unix://${socket}`, credentials.createInsecure(), {
    "grpc-node.flow_control_window": 2 ** 20,
    "grpc.max_receive_message_length": -1,
  });
  const server = new Server();
  server.addService(Kubernetes, implementation(client));
  const pair = { cert_chain: readFileSync(cert), private_key: readFileSync(key) };
  return await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createSsl(null, [pair]), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
});
