import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A folder that looks as kubelet mounts a Secret: files are links through `..data`, which is swapped as a whole. */
export class MountedSecret {
  readonly folder: string;
  #versions = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Swaps in this content, name to text. The names are those of the first content. */
  async put(files: Readonly<Record<string, string>>): Promise<void> {
    this.#versions += 1;
    const version = `..v${this.#versions}`;
    await mkdir(join(this.folder, version), { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.folder, version, name), text);
    await symlink(version, join(this.folder, "..data_tmp"));
    await rename(join(this.folder, "..data_tmp"), join(this.folder, "..data"));
    if (this.#versions > 1) return;
    for (const name of Object.keys(files)) await symlink(join("..data", name), join(this.folder, name));
  }
}
