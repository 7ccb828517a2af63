//! Which device computes, and on how many threads.

use anyhow::{Context, Result};
use burn::tensor::wgpu::wgpu;
use burn::tensor::{Device, DeviceKind};
use clap::ValueEnum;
use serde::Deserialize;

use crate::failure::Failure;

/// `--device`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// A real GPU if there is one, else the CPU
    #[default]
    Auto,
    /// Quantised weights as they are, SIMD and all threads
    Cpu,
    /// Whatever WebGPU adapter the system has, a software one too
    Gpu,
    /// An NVIDIA GPU through CUDA
    #[cfg(feature = "cuda")]
    Cuda,
}

/// Flags of every subcommand that computes.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Device to compute on
    #[arg(long, value_enum, default_value = "auto", help_heading = "Device")]
    pub device: Choice,
    /// CPU threads [default: the number of physical cores]
    #[arg(long, value_name = "N", help_heading = "Device")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// A device that is ready.
pub struct Chosen {
    pub device: Device,
    /// Adapter and API, or the number of CPU threads.
    pub label: String,
    /// Arithmetic of the activations.
    pub precision: &'static str,
    /// Largest buffer that a kernel can read, in bytes. None on the CPU.
    pub max_binding: Option<u64>,
    pub is_cpu: bool,
}

impl Args {
    /// Starts the threads and the device, for a main thread that computes.
    pub fn choose(&self) -> Result<Chosen> {
        // The main thread is one of them: handing work over from outside costs two wake-ups.
        self.start(rayon::ThreadPoolBuilder::new().use_current_thread())
    }

    /// The same for a main thread that waits while others compute.
    pub fn choose_for_threads(&self) -> Result<Chosen> {
        self.start(rayon::ThreadPoolBuilder::new())
    }

    fn start(&self, pool: rayon::ThreadPoolBuilder) -> Result<Chosen> {
        let threads = self.threads.map_or_else(default_threads, usize::from);
        pool.num_threads(threads)
            .build_global()
            .context("the threads cannot be started")?;
        match self.device {
            Choice::Gpu => gpu(),
            #[cfg(feature = "cuda")]
            Choice::Cuda => Ok(cuda()),
            Choice::Auto if has_real_gpu() => gpu(),
            Choice::Auto | Choice::Cpu => Ok(cpu(threads)),
        }
    }
}

/// Physical cores (a second thread on a core's SIMD units only adds contention), but no more than
/// the process may use.
fn default_threads() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    num_cpus::get_physical().clamp(1, allowed)
}

fn cpu(threads: usize) -> Chosen {
    Chosen {
        device: Device::flex(),
        label: match threads {
            1 => "CPU, 1 thread".into(),
            _ => format!("CPU, {threads} threads"),
        },
        precision: "int16",
        max_binding: None,
        is_cpu: true,
    }
}

#[cfg(feature = "cuda")]
fn cuda() -> Chosen {
    Chosen {
        device: Device::cuda(0),
        label: "GPU 0 (CUDA)".into(),
        precision: "f32",
        max_binding: None,
        is_cpu: false,
    }
}

fn gpu() -> Result<Chosen> {
    let (device, setup) = Device::wgpu_options().init_with_setup().map_err(|error| {
        Failure::new(
            format!("no GPU adapter can be used: {error}"),
            "use `--device cpu`, or install a Vulkan, Metal or DirectX 12 driver",
        )
    })?;
    let info = setup.adapter.get_info();
    let software = match is_software(&info) {
        true => ", a software adapter: correct, but slower than `--device cpu`",
        false => "",
    };
    Ok(Chosen {
        device,
        label: format!("{} ({}{software})", info.name, info.backend),
        precision: "f32",
        max_binding: Some(setup.device.limits().max_storage_buffer_binding_size),
        is_cpu: false,
    })
}

/// Discrete GPUs beside the first, up to `count` together with it.
pub fn beside(count: u16) -> Result<Vec<Device>> {
    (1..usize::from(count))
        .map(|index| {
            let kind = DeviceKind::DiscreteGpu(index);
            Device::wgpu_options()
                .device_kind(kind)
                .init()
                .map_err(|error| {
                    let message = format!("there is no GPU number {}: {error}", index + 1);
                    Failure::new(message, "ask for fewer with --gpus").into()
                })
        })
        .collect()
}

/// Whether any adapter is a GPU. Lists them without opening one.
fn has_real_gpu() -> bool {
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    let instance = wgpu::Instance::new(descriptor);
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY))
        .iter()
        .any(|adapter| !is_software(&adapter.get_info()))
}

/// Drivers that compute on the CPU. Some call themselves a virtual or another GPU.
fn is_software(info: &wgpu::AdapterInfo) -> bool {
    const NAMES: [&str; 4] = ["llvmpipe", "lavapipe", "swiftshader", "basic render"];
    let name = info.name.to_lowercase();
    matches!(
        info.device_type,
        wgpu::DeviceType::Cpu | wgpu::DeviceType::Other
    ) || NAMES.iter().any(|software| name.contains(software))
}
