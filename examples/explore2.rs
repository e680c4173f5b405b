//! scratch
use donormatch::cohort::*; use donormatch::profile::*; use donormatch::taxonomy::*; use donormatch::matcher::*; use donormatch::engraftment::*;
use std::collections::BTreeMap;
fn auc(s:&[f64],y:&[bool])->f64{let mut n=0.0;let mut t=0.0;for i in 0..s.len(){if y[i]{for j in 0..s.len(){if !y[j]{t+=1.0;if s[i]>s[j]{n+=1.0}else if s[i]==s[j]{n+=0.5}}}}}n/t}
fn names(v:&[(&str,&str)])->BTreeMap<String,String>{v.iter().map(|(a,b)|(a.to_string(),b.to_string())).collect()}
fn load(dir:&str,file:&str,t:Target,nm:&[(&str,&str)])->Cohort{
  let d=format!("/work/shared/data/{dir}/");
  let p=read(format!("{d}{file}"),&ReadOptions::default()).unwrap();
  let (h,r)=harmonize(&p,&HarmonizeParams::new(t)).unwrap();
  println!("{dir} {} {} mapped {}",h.n_samples(),h.n_taxa(),r.mean_mapped_mass());
  Cohort::from_metadata(&MetadataTable::read(format!("{d}transplants.tsv")).unwrap().with_names(names(nm)),h).unwrap()
}
fn main(){
  let genus=std::env::args().nth(1).as_deref()==Some("genus");
  let t=if genus{Target::Genus}else{Target::Species};
  let mut cs=vec![load("fmt-davar-baruch2021","profiles.metaphlan.tsv.gz",t,&[("donor","donor_subject"),("donor_samples","donor_sample"),("baseline","pre_sample"),("follow_up","post_sample"),("day","post_day")]),
   load("fmt-recast","profiles.tsv.gz",t,&[("donor","donor_id"),("baseline","pre_sample"),("follow_up","post_sample"),("day","post_day")]).filter(|_|true).unwrap()];
  if genus { for s in ["fmt-goyal2018","fmt-jacob2017","fmt-kump2017","fmt-nusbaum2018","fmt-seekatz2017"]{ 
     cs.push(load(s,"profiles.tsv.gz",t,&[("donor","donor_id"),("baseline","pre_sample"),("follow_up","post_sample"),("day","post_day"),("response","xx")])); } }
  for c in &cs{println!("{} transplants, skipped {:?}",c.transplants().len(),c.skipped().len());}
}
