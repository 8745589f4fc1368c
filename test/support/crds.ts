import { CustomResourceDefinition } from "../../pkg/apis/core/index.ts";
import { type Crd, manifestOf } from "../../pkg/apis/schema/index.ts";
import type { KubeClient } from "../../pkg/kube/client/index.ts";
import { eventually } from "./eventually.ts";
import { ensure } from "./identity.ts";

/** Applies these kinds to the cluster and waits until they are served. */
export async function applyCrds(admin: KubeClient, kinds: readonly Crd[]): Promise<void> {
  for (const kind of kinds) await ensure(admin, CustomResourceDefinition, manifestOf(kind));
  for (const kind of kinds) {
    await eventually(`${kind.plural} are served`, async () => {
      await admin.list(kind, { limit: 1 });
    });
  }
}
