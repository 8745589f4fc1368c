import { type Client, connectivityState } from "@grpc/grpc-js";
import type { DriverState } from "./driver-connection.ts";

type Channel = Pick<ReturnType<Client["getChannel"]>, "getConnectivityState" | "watchConnectivityState">;
type Listener = (state: DriverState) => void;

/** Follows a channel, and keeps it connecting: grpc-js by itself waits for the next call after a lost connection. */
export class StateWatch {
  readonly #channel: Channel;
  readonly #listeners = new Set<Listener>();
  #state: DriverState = "connecting";

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#follow();
  }

  get state(): DriverState {
    return this.#state;
  }

  /** Tells the present state at once, then every change. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    return () => this.#listeners.delete(listener);
  }

  /** Call before the channel is closed. */
  close(): void {
    this.#become("closed");
    this.#listeners.clear();
  }

  #follow(): void {
    if (this.#state === "closed") return;
    const now = this.#channel.getConnectivityState(true);
    if (now === connectivityState.READY) this.#become("ready");
    else if (this.#state === "ready") this.#become("lost");
    this.#channel.watchConnectivityState(now, Number.POSITIVE_INFINITY, () => this.#follow());
  }

  #become(state: DriverState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }
}
