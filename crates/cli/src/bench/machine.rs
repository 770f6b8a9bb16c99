//! The machine's floors: what a sync, a signature, a code and a hash cost here, measured in the same run.

use evidence::{BatchItem, MacKey, Secret, SigningKey, leaf_hash, verify_batch};
use serde::Serialize;
use std::fs::{self, File};
use std::hint::black_box;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// What one commit of a small batch writes.
const SYNC_BYTES: usize = 16 * 1024;
/// How far the probe's file reaches, so that syncs overwrite space that is there.
const SYNC_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// How long each operation of cryptography is repeated.
const REPEAT: Duration = Duration::from_millis(300);
/// The signatures that are checked together.
const BATCH: usize = 256;

/// How long it takes until a write is durable.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct SyncFloor {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Operations a second, on one processor.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct CryptoFloor {
    pub(crate) ed25519_verify_per_s: f64,
    pub(crate) ed25519_verify_batch_per_s: f64,
    pub(crate) hmac_512_bytes_per_s: f64,
    pub(crate) sha256_leaf_190_bytes_per_s: f64,
}

/// Overwrites 16 KiB and syncs, `count` times, in a file of its own in `directory`.
pub(crate) fn sync_floor(directory: &Path, count: usize) -> io::Result<SyncFloor> {
    let path = directory.join(format!(".sync-probe-{}", std::process::id()));
    let probed = File::create(&path).and_then(|file| probe(&file, count));
    fs::remove_file(&path)?;
    let mut millis = probed?;
    millis.sort_by(f64::total_cmp);
    Ok(SyncFloor { p50_ms: percentile(&millis, 50), p99_ms: percentile(&millis, 99) })
}

fn probe(file: &File, count: usize) -> io::Result<Vec<f64>> {
    let block = vec![7; SYNC_BYTES];
    let mut at = 0;
    while at < SYNC_FILE_BYTES {
        file.write_all_at(&block, at)?;
        at += SYNC_BYTES as u64;
    }
    file.sync_all()?;
    let mut millis = Vec::with_capacity(count);
    for turn in 0..count {
        let began = Instant::now();
        file.write_all_at(&block, (turn * SYNC_BYTES) as u64 % SYNC_FILE_BYTES)?;
        file.sync_data()?;
        millis.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(millis)
}

/// Measures each operation for a moment.
pub(crate) fn crypto_floor() -> CryptoFloor {
    let keys: Vec<SigningKey> = (0..64u8).map(|n| SigningKey::ed25519(&[n + 1; 32])).collect();
    let message = [5; 256];
    let signed: Vec<_> = keys.iter().map(|key| (key.public(), key.sign(&message))).collect();
    let (key, signature) = &signed[0];
    let items: Vec<BatchItem<'_>> = (0..BATCH)
        .map(|n| {
            let (key, signature) = &signed[n % signed.len()];
            BatchItem { key, message: &message, signature }
        })
        .collect();
    let mac = MacKey::new(&Secret::new([9; 32]));
    CryptoFloor {
        ed25519_verify_per_s: per_second(|| assert!(key.verify(black_box(&message), signature).is_ok())),
        ed25519_verify_batch_per_s: per_second(|| {
            assert!(verify_batch(black_box(&items)).iter().all(|ok| *ok))
        }) * BATCH as f64,
        hmac_512_bytes_per_s: per_second(|| {
            black_box(mac.mac(black_box(&[3; 512])));
        }),
        sha256_leaf_190_bytes_per_s: per_second(|| {
            black_box(leaf_hash(black_box(&[3; 190])));
        }),
    }
}

fn per_second(mut each: impl FnMut()) -> f64 {
    each();
    let (began, mut count) = (Instant::now(), 0u32);
    while began.elapsed() < REPEAT {
        for _ in 0..16 {
            each();
        }
        count += 16;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

/// The value below which so many of a hundred lie, of values in order.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default()
}

/// The load of the last minutes, as the kernel counts it.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<&str>>().join(" ")
}

/// The memory this process has now, in bytes.
pub(crate) fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default();
    pages * rustix::param::page_size() as u64
}
