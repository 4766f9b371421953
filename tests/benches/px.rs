#![allow(missing_docs, clippy::unwrap_used)]
use gst_video::{VideoFormat, VideoInfo};
use gstartclassify::{artclassify::convert::FrameConverter, model::{Manifest, SampleWriter, Slots, Data}};
fn main() {
    gst::init().unwrap();
    let m = Manifest::load("models/zoo/synthdive48-art/clip.toml".as_ref()).unwrap();
    let a: Vec<String> = std::env::args().collect();
    let (w, h): (u32, u32) = (a[3].parse().unwrap(), a[4].parse().unwrap());
    let info = VideoInfo::builder(VideoFormat::I420, w, h).colorimetry(&"bt601".parse().unwrap()).build().unwrap();
    let mut c = FrameConverter::new(&info, &m.input).unwrap();
    let mut slots = Slots::new(SampleWriter::new(&m.input));
    let raw = std::fs::read(&a[1]).unwrap();
    let mut out = Vec::new();
    let bufs: Vec<_> = raw.chunks_exact(info.size()).step_by(a[5].parse().unwrap()).map(|f| gst::Buffer::from_mut_slice(f.to_vec())).collect();
    for b in &bufs {
        let t = c.convert(b, &mut slots).unwrap();
        if let Data::U8(v) = &t.data { out.extend_from_slice(v) }
    }
    std::fs::write(&a[2], out).unwrap();
    let t = std::time::Instant::now();
    for _ in 0..30 { for b in bufs.iter().take(8) { c.convert(b, &mut slots).unwrap(); } }
    println!("{} {:.3} ms", a[2], t.elapsed().as_secs_f64() * 1e3 / 240.0);
}
