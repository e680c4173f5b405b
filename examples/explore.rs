//! scratch
use donormatch::cohort::*; use donormatch::profile::*; use donormatch::taxonomy::*; use donormatch::matcher::*;
use std::collections::BTreeMap;
fn auc(s:&[f64],y:&[bool])->f64{let mut n=0.0;let mut t=0.0;for i in 0..s.len(){if y[i]{for j in 0..s.len(){if !y[j]{t+=1.0;if s[i]>s[j]{n+=1.0}else if s[i]==s[j]{n+=0.5}}}}}n/t}
fn main(){
  let t0=std::time::Instant::now();
  let d="/work/shared/data/icb-thomas2023/";
  let p=read(format!("{d}profiles.metaphlan.tsv.gz"),&ReadOptions::default()).unwrap();
  let (h,r)=harmonize(&p,&HarmonizeParams::default()).unwrap();
  println!("{} {} mapped {} {:?}",h.n_samples(),h.n_taxa(),r.mean_mapped_mass(),t0.elapsed());
  let m=MetadataTable::read(format!("{d}metadata.tsv")).unwrap().with_names(BTreeMap::from([("response".into(),"response_orr".into()),("severe_irae".into(),"irae_grade3_4".into()),("day".into(),"sample_days_from_treatment_start".into())]));
  let c=PatientCohort::from_metadata(&m,&h).unwrap();
  let nine=["DerosaL_2020","DerosaL_2022","FrankelAE_2017","GopalakrishnanV_2018","Manchester_LeeK_2022","McCullochJA_2022","PRIMM-NL_LeeK_2022","PRIMM-UK_LeeK_2022","RoutyB_2022_Lung"];
  let mut tot=[0.0;3];
  for n in nine{
    let tr=c.filter(|p|p.cohort.as_str()!=n).unwrap(); let te=c.filter(|p|p.cohort.as_str()==n).unwrap();
    let t1=std::time::Instant::now();
    let mut pr=ResponseParams::default(); pr.n_members=10; pr.n_slope_members=if std::env::args().count()>1{2}else{0};
    let mo=pr.fit(&tr).unwrap(); let el=t1.elapsed();
    let f=mo.schema().features(&te.profiles().closure()).unwrap();
    let y:Vec<bool>=te.patients().iter().map(|p|p.response==Some(true)).collect();
    let a=[ResponseEngine::Logistic,ResponseEngine::Boosting,ResponseEngine::Both].map(|e|auc(&mo.engine_scores(e,f.view()).unwrap(),&y));
    for k in 0..3{tot[k]+=a[k]/9.0}
    println!("{n:24} {:.3} {:.3} {:.3} slope {:?} {:?}",a[0],a[1],a[2],mo.slope(),el);
  }
  println!("{tot:?}");
}
