export { formatListenAddress, type ListenAddress, parseListenAddress } from "./listen-address.ts";
