/** Four shades each of what is allocated (a), what changed (c) and how often (h), from the least to the most. */
const shades = {
  light: {
    a: ["#c3daf4", "#86b5e8", "#4488d4", "#1c5aa6"],
    c: ["#fbd3ab", "#f6a765", "#e57716", "#a84c04"],
    h: ["#ecc6e4", "#d690cb", "#b04fa6", "#771c70"],
  },
  dark: {
    a: ["#29568a", "#3576bb", "#4f9ae4", "#a6d0ff"],
    c: ["#7b4614", "#ad641c", "#ec8f33", "#ffcf98"],
    h: ["#6c3472", "#98499d", "#cb74cd", "#f5bff3"],
  },
} as const;

const inks = {
  light: { page: "#ffffff", track: "#eef1f5", ink: "#18222d", dim: "#566371", grid: "#d5dbe2", accent: "#18222d" },
  dark: { page: "#10161d", track: "#1d2732", ink: "#e8eef5", dim: "#9ba8b6", grid: "#2c3845", accent: "#e8eef5" },
} as const;

function coloursOf(scheme: "light" | "dark"): string {
  const { page, track, ink, dim, grid, accent } = inks[scheme];
  const fills = Object.entries<readonly string[]>(shades[scheme]).flatMap(([kind, colours]) =>
    colours.map((colour, at) => `.${kind}${at + 1}{fill:${colour}}`),
  );
  return [
    `.page{fill:${page}}.track{fill:${track}}.title,.name,.number{fill:${ink}}`,
    `.dim,.small,.tiny,.tick,.note{fill:${dim}}.grid{stroke:${grid}}.time{stroke:${dim}}`,
    `.dot{fill:${page};stroke:${accent}}`,
    ...fills,
  ].join("");
}

/** The style sheet of the map: the light scheme, and the dark one where the reader prefers it. */
export const palette = [
  'text{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}',
  ".title{font-size:22px;font-weight:600}.dim{font-size:14px}.name,.number{font-size:15px;font-weight:600}",
  ".small,.tick,.note{font-size:12px}.tiny{font-size:11px}",
  ".grid,.time{fill:none;stroke-width:1}.time{stroke-dasharray:2 4}.dot{stroke-width:2}",
  "path:not(.grid):not(.time),.track{shape-rendering:crispEdges}",
  coloursOf("light"),
  `@media (prefers-color-scheme:dark){${coloursOf("dark")}}`,
].join("");
