export { renderCodesPage } from "./codes-page.ts";
export { metadataServer } from "./component.ts";
