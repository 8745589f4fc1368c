import * as z from "zod";
import type { ObjectMeta } from "./kind.ts";

const texts = z.record(z.string(), z.string());

const ownerReference = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.exactOptional(z.boolean()),
  blockOwnerDeletion: z.exactOptional(z.boolean()),
});

/** What every object carries; the API server itself checks it, so that the CRD says no more than `type: object`. */
export const metadata: z.ZodType<ObjectMeta> = z.object({
  name: z.exactOptional(z.string()),
  namespace: z.exactOptional(z.string()),
  generateName: z.exactOptional(z.string()),
  uid: z.exactOptional(z.string()),
  resourceVersion: z.exactOptional(z.string()),
  generation: z.exactOptional(z.int()),
  creationTimestamp: z.exactOptional(z.string()),
  deletionTimestamp: z.exactOptional(z.string()),
  deletionGracePeriodSeconds: z.exactOptional(z.int()),
  labels: z.exactOptional(texts),
  annotations: z.exactOptional(texts),
  finalizers: z.exactOptional(z.array(z.string())),
  ownerReferences: z.exactOptional(z.array(ownerReference)),
  managedFields: z.exactOptional(z.array(z.unknown())),
});
