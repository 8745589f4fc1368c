import { builtIn, type KubeObject } from "../schema/index.ts";
import type { ObjectReference } from "./references.ts";

/** core/v1 ServiceAccount. */
export interface ServiceAccount extends KubeObject {
  automountServiceAccountToken?: boolean;
  secrets?: ObjectReference[];
  imagePullSecrets?: { name?: string }[];
}

export const ServiceAccount = builtIn<ServiceAccount>({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
});

/** authentication.k8s.io/v1 TokenRequest: POSTed to the `token` subresource of a ServiceAccount. */
export interface TokenRequest extends KubeObject {
  spec: {
    audiences: string[];
    /** At least 600; the server may shorten it. */
    expirationSeconds?: number;
    boundObjectRef?: { apiVersion?: string; kind?: string; name?: string; uid?: string };
  };
  status?: { token: string; expirationTimestamp: string };
}

export const TokenRequest = builtIn<TokenRequest>({
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenRequest",
  plural: "tokenrequests",
  subresourceOf: { parent: ServiceAccount, name: "token" },
});

/** Who a request or a token speaks for. */
export interface UserInfo {
  username?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}

/** authentication.k8s.io/v1 TokenReview: is this token good for these audiences, and whose is it? */
export interface TokenReview extends KubeObject {
  spec: { token?: string; audiences?: string[] };
  status?: {
    authenticated?: boolean;
    user?: UserInfo;
    /** The asked audiences that the token is good for. Absent: the server knows no audiences; do not trust it. */
    audiences?: string[];
    error?: string;
  };
}

export const TokenReview = builtIn<TokenReview>({
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenReview",
  plural: "tokenreviews",
  namespaced: false,
});

/** authentication.k8s.io/v1 SelfSubjectReview: who am I? */
export interface SelfSubjectReview extends KubeObject {
  status?: { userInfo?: UserInfo };
}

export const SelfSubjectReview = builtIn<SelfSubjectReview>({
  group: "authentication.k8s.io",
  version: "v1",
  kind: "SelfSubjectReview",
  plural: "selfsubjectreviews",
  namespaced: false,
});
