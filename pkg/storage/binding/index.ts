export { type BindableContent, type BindableSnapshot, bindingFault } from "./snapshot-binding.ts";
