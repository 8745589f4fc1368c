export { metadataServer } from "./component.ts";
