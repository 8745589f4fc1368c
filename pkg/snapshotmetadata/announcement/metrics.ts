import { gauge, type MetricFamily, type Registry } from "../../runtime/metrics/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { Certificates } from "./certificates.ts";
import { type Finding, firstExpiryMs } from "./findings.ts";

const EXPIRY = {
  type: "gauge",
  name: "snapshot_metadata_service_certificate_expiry_seconds",
  help:
    "Seconds until the first certificate expires, negative afterwards: authority (--service-ca-file) or server " +
    "(--tls-cert); absent while the file can not be used",
  labels: ["certificate"],
} as const;

const FINDINGS = {
  type: "gauge",
  name: "snapshot_metadata_service_findings",
  help: "What is wrong with the SnapshotMetadataService object and its certificates now, by the reason of the event",
  labels: ["reason"],
} as const;

/** The families of the announcement. */
export const announcementFamilies: readonly MetricFamily[] = [EXPIRY, FINDINGS];

export interface AnnouncementMeter {
  looked(certificates: Certificates, findings: readonly Finding[]): void;
}

/** Tells on the metrics page what was found at the last look; expiry is counted down to the moment of reading. */
export function announcementMeter(registry: Registry, clock: Clock): AnnouncementMeter {
  let last: Certificates = { authorities: [], chain: [], problems: [] };
  gauge(registry, EXPIRY, (each) => {
    each.reset();
    const tell = (certificate: "authority" | "server", endMs: number | undefined): void => {
      if (endMs !== undefined) each.set({ certificate }, (endMs - clock.now()) / 1000);
    };
    tell("authority", firstExpiryMs(last.authorities));
    tell("server", firstExpiryMs(last.chain.slice(0, 1)));
  });
  const present = gauge(registry, FINDINGS);
  return {
    looked: (certificates, findings) => {
      last = certificates;
      present.reset();
      for (const { reason } of findings) present.inc({ reason });
    },
  };
}
