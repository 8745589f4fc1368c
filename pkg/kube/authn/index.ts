export {
  type AccessQuestion,
  type AccessVerdict,
  type ResourceAttributes,
  requestToken,
  reviewAccess,
  reviewToken,
  type TokenQuestion,
  type TokenVerdict,
  type TokenWish,
  type UserInfo,
} from "./review.ts";
