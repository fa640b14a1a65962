// Reads the pixels of bitmaps.

/**
 * The size of the canvas that a larger bitmap is drawn on part by part. Past limits of their own, browsers give blank
 * pixels rather than an error: Chromium at 65536 pixels a side, Safari on iOS at 16.7 megapixels, fewer than the
 * photos of some telephones have.
 */
const [ACROSS, DOWN] = [4096, 1024];

/** All pixels of a bitmap, of any size. */
export function read(bitmap: ImageBitmap): ImageData {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(Math.min(width, ACROSS), Math.min(height, DOWN));
  const context = canvas.getContext("2d", { colorSpace: "srgb", willReadFrequently: true });
  if (!context) throw new Error("the browser makes no canvas to read a photo with; close other pages and reload this one");
  // Otherwise the part before would show through transparent pixels.
  context.globalCompositeOperation = "copy";
  const whole = new ImageData(width, height);
  for (let top = 0; top < height; top += DOWN) {
    for (let left = 0; left < width; left += ACROSS) {
      context.drawImage(bitmap, -left, -top);
      const part = context.getImageData(0, 0, Math.min(width - left, ACROSS), Math.min(height - top, DOWN));
      place(part, whole, left, top);
    }
  }
  return whole;
}

/** Copies a part of an image to where it lies in the whole. */
function place(part: ImageData, whole: ImageData, left: number, top: number): void {
  for (let row = 0; row < part.height; row++) {
    const pixels = part.data.subarray(4 * row * part.width, 4 * (row + 1) * part.width);
    whole.data.set(pixels, 4 * ((top + row) * whole.width + left));
  }
}
