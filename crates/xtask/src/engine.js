// Put before the worker's own scripts: counts what the engine asks of WebGPU, and finds the memory
// of its wasm module.
(() => {
  const engine = { dispatches: 0, waits: 0, submits: 0, memory: null, device: null };
  const count = (type, method, name) => {
    const real = self[type]?.prototype[method];
    if (!real) return;
    self[type].prototype[method] = function (...parts) {
      engine[name] += 1;
      return real.apply(this, parts);
    };
  };
  // WebGPU's types are not there yet while the worker waits for its first script.
  let watching = false;
  const watch = () => {
    if (watching) return;
    watching = true;
    count('GPUComputePassEncoder', 'dispatchWorkgroups', 'dispatches');
    count('GPUComputePassEncoder', 'dispatchWorkgroupsIndirect', 'dispatches');
    count('GPUBuffer', 'mapAsync', 'waits');
    count('GPUQueue', 'submit', 'submits');
    if (self.GPUAdapter) {
      const request = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = async function (...parts) {
        return (engine.device = await request.apply(this, parts));
      };
    }
  };

  for (const name of ['instantiate', 'instantiateStreaming']) {
    const real = WebAssembly[name];
    WebAssembly[name] = async (...parts) => {
      watch();
      const result = await real(...parts);
      engine.memory ??= (result.instance ?? result).exports.memory ?? null;
      return result;
    };
  }

  self.retortEngine = engine;
})();
