// The page loads nothing from elsewhere, and its policy says so. Not while it is worked on: Vite then puts styles into the page.
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  // The networks and samples beside the page.
  "connect-src 'self'",
  "img-src 'self' blob: data:",
  "style-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const policy = {
  name: "policy",
  apply: "build",
  transformIndexHtml: () => [
    { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
  ],
};

export default {
  // It may lie in any folder of a server.
  base: "./",
  publicDir: false,
  // Inside a page or script nothing could be left out that is not needed.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  worker: { format: "es" },
  // The samples, and what the page shares with the program's reports.
  server: { fs: { allow: ["../.."] } },
  plugins: [policy],
};
