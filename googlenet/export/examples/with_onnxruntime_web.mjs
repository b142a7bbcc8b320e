// The classes of a photograph in a browser, with onnxruntime-web:
//
//   import * as ort from "onnxruntime-web";
//   import { load } from "./example.mjs";
//   const model = await load(ort, "path/of/this/export/");
//   console.log(await model.classify(file));          // a File or Blob, as from <input type="file">
//   JSON.stringify(await model.trace());               // for: googlenet verify --trace
//
// Canvas alone would resize without antialiasing, and so answer otherwise than the model was trained: hence the filter.

const FILTERS = {
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  bicubic: [2, (x) => cubic(Math.abs(x))],
};

function cubic(x) {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

export async function load(ort, base) {
  const contract = await (await fetch(base + "contract.json")).json();
  const session = ort && (await ort.InferenceSession.create(base + contract.model));

  async function steps(blob) {
    const found = prepare(await decode(blob), contract.preprocessing);
    if (session) {
      const data = new ort.Tensor("float32", found.normalise.data, [1, ...found.normalise.shape]);
      const results = await session.run({ [contract.input.name]: data });
      found.logits = Array.from(results[contract.output].data);
    }
    return found;
  }

  async function classify(blob, top = 5) {
    const { logits } = await steps(blob);
    const temperature = contract.calibration?.temperature ?? 1;
    const most = Math.max(...logits);
    const weights = logits.map((logit) => Math.exp((logit - most) / temperature));
    const total = weights.reduce((sum, weight) => sum + weight);
    const answers = weights.map((weight, i) => ({ name: contract.classes[i].name, probability: weight / total }));
    return answers.sort((a, b) => b.probability - a.probability).slice(0, top);
  }

  async function trace() {
    const probes = {};
    for (const name of Object.keys(contract.probes)) {
      const found = await steps(await (await fetch(base + "probes/" + name)).blob());
      probes[name] = Object.fromEntries(
        Object.entries(found).map(([step, value]) => [step, step === "logits" ? value : summary(value)]),
      );
    }
    return { probes };
  }

  return { contract, steps, classify, trace };
}

// Browsers turn the picture by its EXIF orientation as they decode it: what comes out is «orient» already.
async function decode(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context.fillStyle = "white"; // shines through where the picture is transparent
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  return { data: rgb, shape: [height, width, 3] };
}

export function prepare(image, rule) {
  const [height, width] = image.shape;
  const shorter = Math.min(height, width);
  const side = (n) => (rule.resize === "warp" ? rule.resize_size : roundHalfEven((n * rule.resize_size) / shorter));
  const across = resizeRows(image, side(width), rule.filter);
  const resized = transposed(resizeRows(transposed(across), side(height), rule.filter));
  const cropped = crop(resized, rule.crop_size);
  return { orient: image, resize: resized, crop: cropped, normalise: normalise(cropped, rule) };
}

function roundHalfEven(x) {
  const below = Math.floor(x);
  return x - below === 0.5 ? below + (below % 2) : Math.round(x);
}

// Every row to `target` pixels, each the weighted mean of those that it covers, rounded to 8 bits as Pillow does.
function resizeRows({ data, shape: [height, width] }, target, filter) {
  const [support, weigh] = FILTERS[filter];
  const factor = width / target;
  const reach = Math.max(1, factor);
  const result = new Uint8ClampedArray(height * target * 3);
  for (let x = 0; x < target; x++) {
    const centre = (x + 0.5) * factor;
    const first = Math.max(0, Math.floor(centre - support * reach + 0.5));
    const last = Math.min(width, Math.floor(centre + support * reach + 0.5));
    const weights = [];
    for (let i = first; i < last; i++) weights.push(weigh((i + 0.5 - centre) / reach));
    const total = weights.reduce((sum, weight) => sum + weight);
    for (let y = 0; y < height; y++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let i = first; i < last; i++) sum += weights[i - first] * data[3 * (y * width + i) + channel];
        result[3 * (y * target + x) + channel] = sum / total; // a clamped array rounds and cuts
      }
    }
  }
  return { data: result, shape: [height, target, 3] };
}

function transposed({ data, shape: [height, width] }) {
  const result = new Uint8ClampedArray(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) result[3 * (x * height + y) + c] = data[3 * (y * width + x) + c];
  return { data: result, shape: [width, height, 3] };
}

function crop({ data, shape: [height, width] }, size) {
  const top = Math.floor((height - size) / 2);
  const left = Math.floor((width - size) / 2);
  const result = new Uint8ClampedArray(size * size * 3);
  for (let y = 0; y < size; y++) {
    const start = 3 * ((top + y) * width + left);
    result.set(data.subarray(start, start + 3 * size), 3 * y * size);
  }
  return { data: result, shape: [size, size, 3] };
}

function normalise({ data, shape: [height, width] }, rule) {
  const plane = height * width;
  const result = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const source = rule.channel_order === "RGB" ? channel : 2 - channel;
    for (let i = 0; i < plane; i++) {
      result[channel * plane + i] = (data[3 * i + source] - rule.mean[channel]) * rule.scale[channel];
    }
  }
  return { data: result, shape: [3, height, width] };
}

// Mean and deviation of 4 x 4 cells by channel: what docs/export.md calls a summary.
function summary({ data, shape }) {
  const planes = shape[0] === 3;
  const [height, width] = planes ? shape.slice(1) : shape;
  const at = (y, x, c) => data[planes ? (c * height + y) * width + x : 3 * (y * width + x) + c];
  const mean = [];
  const std = [];
  for (let row = 0; row < 4; row++) {
    mean.push([]);
    std.push([]);
    for (let column = 0; column < 4; column++) {
      const cells = [0, 1, 2].map((c) => {
        let [sum, squares, count] = [0, 0, 0];
        for (let y = Math.floor((row * height) / 4); y < Math.floor(((row + 1) * height) / 4); y++)
          for (let x = Math.floor((column * width) / 4); x < Math.floor(((column + 1) * width) / 4); x++) {
            const value = at(y, x, c);
            sum += value;
            squares += value * value;
            count += 1;
          }
        return [sum / count, Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2))];
      });
      mean[row].push(cells.map(([value]) => value));
      std[row].push(cells.map(([, value]) => value));
    }
  }
  return { shape, mean, std };
}
