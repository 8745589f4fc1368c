export { renderCodesPage } from "./codes-page.ts";
export { metadataServer } from "./component.ts";
export { metadataServerOptions } from "./options.ts";
