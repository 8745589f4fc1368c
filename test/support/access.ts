import { parse } from "yaml";
import type { Endpoint } from "./http.ts";

/** How to reach a server as its administrator. */
export interface Access extends Endpoint {
  readonly token: string;
}

interface Kubeconfig {
  readonly clusters: { cluster: { server: string; "certificate-authority-data"?: string } }[];
  readonly users: { user: { token?: string } }[];
}

/** Reads address, authority and token out of a kubeconfig with one cluster and one user with a token. */
export function accessOf(kubeconfigText: string): Access {
  const config = parse(kubeconfigText) as Kubeconfig;
  const { server, "certificate-authority-data": ca } = config.clusters[0]?.cluster ?? {};
  const token = config.users[0]?.user.token;
  if (server === undefined || ca === undefined || token === undefined) {
    throw new Error("the kubeconfig must have certificate-authority-data and a token");
  }
  return { url: server, ca: Buffer.from(ca, "base64").toString("utf8"), token };
}
