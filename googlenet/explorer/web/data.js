// What Python wrote into the page, with the look-ups that the views need.

export const data = JSON.parse(document.getElementById("data").textContent);

export const network = data.network;
export const blocks = network.blocks;

export const blockByName = new Map(blocks.map((block) => [block.name, block]));

export const layers = blocks.flatMap((block) => block.layers);

export const layerByName = new Map(layers.map((layer) => [layer.name, layer]));

export const modules = blocks.filter((block) => block.branches.length);

export const blockOf = (layer) => blockByName.get(layer.split("/")[0]);

export const isModule = (block) => block.branches.length > 0;

export const isHead = (block) => block.name in network.heads;

export const lastLayer = (block) => block.layers[block.layers.length - 1].name;

export const tone = (layer) => network.wiring[layer].tone;

// The shape that a layer reads: that of its source, or of the image.
export function inputShape(layer) {
  const [source] = network.wiring[layer].inputs;
  return source === network.input ? [3, network.input_size, network.input_size] : layerByName.get(source).output;
}

// A dropout passes on what it gets, so that its maps are those of the layer before it.
export function computing(layer) {
  while (layerByName.get(layer).kind === "Dropout") [layer] = network.wiring[layer].inputs;
  return layer;
}

export const shortName = (block) => block.name.replace("inception_", "");

export const className = (index) => data.model.classes[index];

// The layer that ends each branch of a module.
export const branchEnds = (block) => block.branches.map((branch) => branch.layers[branch.layers.length - 1]);

// Where the channels of a branch begin in the concatenation of its module; null for any other layer.
export function offsetInModule(layer) {
  const block = blockOf(layer);
  if (!isModule(block)) return null;
  if (layer === lastLayer(block)) return 0;
  let first = 0;
  for (const end of branchEnds(block)) {
    if (end === layer) return first;
    first += layerByName.get(end).output[0];
  }
  return null;
}
