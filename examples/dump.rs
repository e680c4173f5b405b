//! scratch
use donormatch::matcher::*; use donormatch::taxonomy::*; use std::path::Path;
fn main(){
  let c=MatcherConfig::read("models/default/config.toml").unwrap(); let d=Path::new("/work/shared/data");
  let cs=c.read_transplants(d,Target::Species).unwrap();
  donormatch::engraftment::debug_dump(&cs,&std::env::args().nth(1).unwrap(),"/tmp/explore");
}
