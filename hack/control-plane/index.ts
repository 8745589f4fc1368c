export { type AssetOptions, findAssets } from "./assets.ts";
export {
  type ControlPlane,
  type ControlPlaneInside,
  type ControlPlaneOptions,
  insideControlPlane,
  startControlPlane,
} from "./control-plane.ts";
export { type Program, serverPrograms } from "./versions.ts";
