import type { Source } from "../../kube/controller/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import { followFiles } from "../../serving/tls/index.ts";
import { type CertificateFiles, readCertificates } from "./certificates.ts";

/** How often the files are read when nothing is noticed before, milliseconds. */
const pollMs = 10_000;

/** Leads to one key: at the start, and whenever the files say something else, also by the swap of a mounted Secret. */
export function fileSource(key: string, files: CertificateFiles, clock: Clock): Source {
  const listeners = new Set<(key: string) => void>();
  let seen = "";
  const look = async (): Promise<void> => {
    const { authorities, chain, problems } = await readCertificates(files);
    const prints = [authorities, chain].map((bundle) => bundle.map((each) => each.fingerprint256));
    const now = JSON.stringify([prints, problems]);
    if (now === seen) return;
    seen = now;
    for (const tell of listeners) tell(key);
  };
  const followed = [files.serviceCaFile, files.tlsCert].filter((file) => file !== "");
  return {
    run: (signal) => followFiles(followed, { clock, pollMs, signal }, look),
    settled: async () => undefined,
    subscribe: (add) => {
      listeners.add(add);
      add(key);
      return () => listeners.delete(add);
    },
    keys: () => [key],
  };
}
