//! What this process takes.

use std::time::Instant;

use super::Outcome;

/// Ticks a second of the times in `/proc/self/stat`, on every architecture.
const TICKS: f64 = 100.0;

/// Where user and system time stand behind the name of the process in `/proc/self/stat`.
const TIMES: [usize; 2] = [11, 12];

/// Wall and CPU time from its making on.
pub struct Stopwatch {
    started: Instant,
    cpu: f64,
}

impl Stopwatch {
    pub fn start() -> Outcome<Self> {
        Ok(Self { cpu: cpu_seconds()?, started: Instant::now() })
    }

    /// Seconds of wall time and of CPU.
    pub fn read(&self) -> Outcome<(f64, f64)> {
        let wall = self.started.elapsed().as_secs_f64();
        Ok((wall, cpu_seconds()? - self.cpu))
    }
}

fn cpu_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, rest) = stat.rsplit_once(") ").ok_or("no name in /proc/self/stat")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let mut ticks = 0;
    for at in TIMES {
        ticks += fields.get(at).ok_or("no times in /proc/self/stat")?.parse::<u64>()?;
    }
    Ok(ticks as f64 / TICKS)
}

/// Most resident memory so far, in MB.
pub fn peak_mb() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmHWM in status")?;
    Ok(kilobytes.parse::<f64>()? / 1024.0)
}
