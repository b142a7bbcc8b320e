// The classes of a photograph, with onnxruntime's C++ interface and nothing else:
//
//   g++ -std=c++17 -O2 example.cpp -I onnxruntime/include -L onnxruntime/lib -lonnxruntime -o example
//   magick photo.jpg -auto-orient -background white -flatten -depth 8 ppm:- | ./example model.onnx
//
// The picture comes upright, as binary PPM; resizing is as Pillow does it, with antialiasing.
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

// From contract.json.
@CONSTANTS@

struct Picture {
  int width, height;
  std::vector<uint8_t> rgb;
};

Picture read_ppm(std::istream& in) {
  std::string magic;
  int width = 0, height = 0, most = 0;
  in >> magic >> width >> height >> most;
  in.get();
  if (magic != "P6" || most != 255 || width < 1 || height < 1) throw std::runtime_error("give a binary PPM of 8 bits");
  Picture picture{width, height, std::vector<uint8_t>(3 * size_t(width) * height)};
  in.read(reinterpret_cast<char*>(picture.rgb.data()), std::streamsize(picture.rgb.size()));
  if (!in) throw std::runtime_error("the picture is cut short");
  return picture;
}

double weigh(double x) {
  x = std::abs(x);
  if (!kBicubic) return std::max(0.0, 1 - x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

// Every row to `target` pixels, each the weighted mean of those that it covers; the result is turned on its side.
Picture resize_rows_and_transpose(const Picture& from, int target) {
  const double factor = double(from.width) / target, reach = std::max(1.0, factor), support = (kBicubic ? 2 : 1) * reach;
  Picture to{from.height, target, std::vector<uint8_t>(3 * size_t(target) * from.height)};
  for (int x = 0; x < target; x++) {
    const double centre = (x + 0.5) * factor;
    const int first = std::max(0, int(centre - support + 0.5));
    const int last = std::min(from.width, int(centre + support + 0.5));
    std::vector<double> weights;
    for (int i = first; i < last; i++) weights.push_back(weigh((i + 0.5 - centre) / reach));
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (int y = 0; y < from.height; y++)
      for (int c = 0; c < 3; c++) {
        double sum = 0;
        for (int i = first; i < last; i++) sum += weights[i - first] * from.rgb[3 * (size_t(y) * from.width + i) + c];
        to.rgb[3 * (size_t(x) * from.height + y) + c] = uint8_t(std::clamp(std::nearbyint(sum / total), 0.0, 255.0));
      }
  }
  return to;
}

// float32 (3, kCrop, kCrop)
std::vector<float> prepare(const Picture& picture) {
  const double shorter = std::min(picture.width, picture.height);
  const auto side = [&](int n) { return kWarp ? kResize : int(std::nearbyint(double(n) * kResize / shorter)); };
  const int width = side(picture.width), height = side(picture.height);
  const Picture resized = resize_rows_and_transpose(resize_rows_and_transpose(picture, width), height);
  const int top = (height - kCrop) / 2, left = (width - kCrop) / 2;
  std::vector<float> planes(3 * size_t(kCrop) * kCrop);
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < kCrop; y++)
      for (int x = 0; x < kCrop; x++) {
        const float pixel = resized.rgb[3 * (size_t(top + y) * width + left + x) + (kBgr ? 2 - c : c)];
        planes[(size_t(c) * kCrop + y) * kCrop + x] = (pixel - kMean[c]) * kScale[c];
      }
  return planes;
}

int main(int argc, char** argv) try {
  std::vector<float> data = prepare(read_ppm(std::cin));
  Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "googlenet");
  Ort::Session session(env, argc > 1 ? argv[1] : "model.onnx", Ort::SessionOptions{});
  const std::array<int64_t, 4> shape{1, 3, kCrop, kCrop};
  auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  Ort::Value input = Ort::Value::CreateTensor<float>(memory, data.data(), data.size(), shape.data(), shape.size());
  const char* inputs[] = {kInput};
  const char* outputs[] = {kOutput};
  auto results = session.Run(Ort::RunOptions{nullptr}, inputs, &input, 1, outputs, 1);
  const float* logits = results[0].GetTensorData<float>();
  const size_t classes = std::size(kClasses);
  const float most = *std::max_element(logits, logits + classes);
  std::vector<double> probabilities(classes);
  for (size_t i = 0; i < classes; i++) probabilities[i] = std::exp((logits[i] - most) / kTemperature);
  const double total = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  std::vector<size_t> order(classes);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
  for (size_t i = 0; i < std::min<size_t>(5, classes); i++)
    std::cout << 100 * probabilities[order[i]] / total << " %  " << kClasses[order[i]] << "\n";
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << "\n";
  return 2;
}
