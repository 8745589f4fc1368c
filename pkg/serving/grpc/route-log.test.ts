import { Server, ServerCredentials, setLogger } from "@grpc/grpc-js";
import { afterEach, expect, it, vi } from "vitest";
import { createLogger } from "../../runtime/log/index.ts";
import { routeGrpcLog } from "./index.ts";

afterEach(() => setLogger(console));

const bind = (server: Server, port: number): Promise<number | Error> =>
  new Promise((resolve) =>
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      resolve(error ?? bound),
    ),
  );

it("what grpc-js would print to stderr is a line of our log", async () => {
  const lines: string[] = [];
  routeGrpcLog(createLogger({ name: "unit", destination: { write: (line: string) => void lines.push(line) } }));
  const printed = vi.spyOn(console, "error");
  const [first, second] = [new Server(), new Server()];
  const port = await bind(first, 0);
  expect(await bind(second, Number(port))).toBeInstanceOf(Error);
  first.forceShutdown();
  expect(printed).not.toHaveBeenCalled();
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: "error", library: "grpc-js", msg: expect.stringContaining("No address added") },
  ]);
});
