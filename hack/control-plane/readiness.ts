import { readFile } from "node:fs/promises";
import { type RequestOptions, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/** How to reach an API server as the administrator. */
export interface Access {
  readonly url: string;
  readonly caFile: string;
  readonly token: string;
}

/** Waits until the server is ready and the default namespace has its ServiceAccount, without which pods fail. */
export async function becomeReady(access: Access, paths: readonly string[], signal: AbortSignal): Promise<void> {
  for (const path of paths) {
    while ((await statusOf(access, path, signal)) !== 200) await sleep(50, undefined, { signal });
  }
}

/** 0 while nothing answers. */
async function statusOf(access: Access, path: string, signal: AbortSignal): Promise<number> {
  const ca = await readFile(access.caFile).catch(() => undefined);
  if (ca === undefined) return 0;
  const options: RequestOptions = { ca, headers: { authorization: `Bearer ${access.token}` }, agent: false, signal };
  return await new Promise<number>((resolve) => {
    const sent = request(access.url + path, options, (response) => {
      response.resume();
      response.once("close", () => resolve(response.statusCode ?? 0));
    });
    sent.once("error", () => resolve(0));
    sent.end();
  });
}
