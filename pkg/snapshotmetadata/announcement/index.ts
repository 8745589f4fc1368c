export { serviceAnnouncement } from "./component.ts";
