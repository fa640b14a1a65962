// What the page says where something cannot be done.

import { MprnetError } from "../package/dist/index.js";
import type { ErrorKind } from "../package/dist/index.js";

const NO_WEBGPU =
  "This browser gives the page no GPU. WebGPU is in Chrome and Edge 113, Safari 26 and Firefox 141 and newer; on Linux, Chrome may want " +
  "the switches --enable-unsafe-webgpu --enable-features=Vulkan. Hardware acceleration has to be on in the browser's settings.";

const INSECURE =
  "Browsers give the GPU only to pages that come by https or from this machine itself (localhost), and this one does not: " +
  "open it by https.";

const REMEDIES: Partial<Record<ErrorKind, string>> = {
  "too-large": "In tiles it takes less, and the result is approximate; the program mprnet restores larger photos exactly.",
  "device-lost": "Close what else uses the GPU, and try again.",
};

/** An error in words for who looks at the page. */
export function told(error: unknown): string {
  if (!(error instanceof MprnetError)) return `This is a mistake of the page, please report it: ${String(error)}`;
  if (error.kind === "no-webgpu") return isSecureContext ? NO_WEBGPU : INSECURE;
  const text = error.message.replace(/^./, (first) => first.toUpperCase());
  return [`${text}.`, REMEDIES[error.kind]].filter(Boolean).join(" ");
}

/** Seconds with as many digits as tell something. */
export function seconds(milliseconds: number): string {
  const value = milliseconds / 1000;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
}
