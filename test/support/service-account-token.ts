import { createSign } from "node:crypto";
import { accessOf } from "./access.ts";
import { Http } from "./http.ts";

/** A ServiceAccount, as tokens name it. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Asks the server for a token of the shortest life there is. */
export async function requestToken(kubeconfigText: string, account: Account): Promise<string> {
  const access = accessOf(kubeconfigText);
  const http = new Http(access);
  const { status, text } = await http.send({
    method: "POST",
    path: `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`,
    headers: { authorization: `Bearer ${access.token}`, "content-type": "application/json" },
    body: JSON.stringify({
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 600 },
    }),
  });
  http.close();
  if (status !== 201) throw new Error(`no token: ${status} ${text}`);
  return (JSON.parse(text) as { status: { token: string } }).status.token;
}

/** Signs a token as the server that has this key would have issued it `ageMs` ago, for ten minutes. */
export function signToken(key: string, issuer: string, account: Account, ageMs: number): string {
  const issued = Math.floor((Date.now() - ageMs) / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    iss: issuer,
    aud: [issuer],
    sub: `system:serviceaccount:${account.namespace}:${account.name}`,
    iat: issued,
    nbf: issued,
    exp: issued + 600,
    "kubernetes.io": { namespace: account.namespace, serviceaccount: { name: account.name, uid: account.uid } },
  };
  const text = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createSign("RSA-SHA256").update(text).sign(key, "base64url")}`;
}
