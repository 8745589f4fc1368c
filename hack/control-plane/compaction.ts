import { request } from "node:http";

/**
 * Forgets every version of every object but the present one, so that older ones are expired (410). The API server
 * keeps snapshots of its own, and drops them when the key says, in which its own compaction is announced.
 */
export async function compactEtcd(socketPath: string): Promise<void> {
  const { header } = (await call(socketPath, "/v3/kv/range", { key: btoa("\0") })) as { header: { revision: string } };
  await call(socketPath, "/v3/kv/put", { key: btoa("compact_rev_key"), value: btoa(header.revision) });
  await call(socketPath, "/v3/kv/compaction", { revision: header.revision, physical: true });
}

/** etcd's gateway from JSON to gRPC. */
async function call(socketPath: string, path: string, body: unknown): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method: "POST" }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        // Somebody else may have compacted up to a later version meanwhile.
        if (response.statusCode === 200 || text.includes("has been compacted")) resolve(JSON.parse(text));
        else reject(new Error(`etcd answered ${response.statusCode} to ${path}: ${text}`));
      });
    });
    sent.once("error", reject);
    sent.end(JSON.stringify(body));
  });
}
