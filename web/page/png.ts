// Writes PNG files. A canvas would too, but browsers give blank or no files of large ones.

import { MprnetError } from "../package/dist/index.js";

/** Bytes that are packed at a time: between them the page stays alive. */
const CHUNK = 2 ** 20;

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** A part of the file: its length, its name, what it holds, and a checksum of name and content. */
function part(name: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(content, 8);
  const crc = bytes.subarray(4, -4).reduce((crc, byte) => CRC[(crc ^ byte) & 255]! ^ (crc >>> 8), 0xffffffff);
  view.setUint32(8 + content.length, ~crc >>> 0);
  return bytes;
}

/** Rows as PNG has them: each pixel less the one to its left, which packs better. */
function filtered({ data, width }: ImageData, channels: number, from: number, to: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((to - from) * (1 + channels * width));
  let at = 0;
  for (let row = from; row < to; row++) {
    bytes[at++] = 1;
    for (let pixel = 4 * row * width; pixel < 4 * (row + 1) * width; pixel += 4) {
      const left = pixel > 4 * row * width ? pixel - 4 : null;
      for (let channel = 0; channel < channels; channel++) {
        bytes[at++] = data[pixel + channel]! - (left === null ? 0 : data[left + channel]!);
      }
    }
  }
  return bytes;
}

/** Rows of that many channels, packed, as parts of the file. */
async function packed(image: ImageData, channels: number): Promise<Uint8Array<ArrayBuffer>[]> {
  const { width, height } = image;
  const rows = Math.max(1, Math.floor(CHUNK / (channels * width)));
  let row = 0;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      // Streams alone would give way to nothing else.
      await new Promise((resolve) => setTimeout(resolve));
      const next = Math.min(row + rows, height);
      controller.enqueue(filtered(image, channels, row, next));
      row = next;
      if (row === height) controller.close();
    },
  });
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const sink = new WritableStream<Uint8Array>({ write: (bytes) => void parts.push(part("IDAT", bytes)) });
  await source.pipeThrough(new CompressionStream("deflate")).pipeTo(sink);
  return parts;
}

/** A PNG file of an image, without transparency where it has none. */
export async function png(image: ImageData): Promise<Blob> {
  const { data, width, height } = image;
  let opaque = true;
  for (let at = 3; opaque && at < data.length; at += 4) opaque = data[at] === 255;
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  head.setUint8(8, 8);
  head.setUint8(9, opaque ? 2 : 6);
  const begin = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  try {
    const rows = await packed(image, opaque ? 3 : 4);
    const before = [begin, part("IHDR", new Uint8Array(head.buffer)), part("sRGB", new Uint8Array(1))];
    return new Blob([...before, ...rows, part("IEND", new Uint8Array(0))], { type: "image/png" });
  } catch (error) {
    const size = `${width} × ${height} pixels`;
    throw new MprnetError("failed", `no file can be made of the result of ${size}: ${(error as Error).message}; take a smaller photo`);
  }
}
