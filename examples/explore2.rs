//! scratch
use donormatch::matcher::*; use donormatch::taxonomy::*; use donormatch::evaluation::*; use std::path::Path;
fn main(){
  let c=MatcherConfig::read("models/default/config.toml").unwrap(); let d=Path::new("/work/shared/data");
  let what=std::env::args().nth(1).unwrap();
  let b=BootstrapParams::default().with_n_resamples(200);
  let t=std::time::Instant::now();
  if what=="genus"||what=="species"{
    let tg=if what=="genus"{Target::Genus}else{Target::Species};
    let cs=c.read_transplants(d,tg).unwrap();
    let mut p=c.matcher.engraftment.clone(); if what=="genus"{p.rank=donormatch::profile::Rank::Genus;}
    println!("read {:?}",t.elapsed());
    for r in evaluate_engraftment(&p,&cs,&b).unwrap(){println!("{:16} {:14} {:.3} {:.3} {:.3} n={} g={}",r.comparator,r.cohort,r.value.unwrap(),r.lo.unwrap_or(0.),r.hi.unwrap_or(0.),r.n_rows,r.n_groups);}
  } else if what=="response" {
    let p=c.read_patients(d).unwrap();
    let e=evaluate_response(&c.matcher.response,&p,&c.evaluation.cohorts,&ReportParams{metrics:vec![Metric::RocAuc,Metric::BrierSkill,Metric::CalibrationSlope],bootstrap:b}).unwrap();
    for r in e.rows{println!("{:12} {:22} {:?} {:?} {:.3} {:.3} {:.3} n={} g={}",r.comparator,r.cohort,r.scope,r.metric,r.value.unwrap_or(f64::NAN),r.lo.unwrap_or(0.),r.hi.unwrap_or(0.),r.n_rows,r.n_groups);}
  } else {
    let p=c.read_patients(d).unwrap(); let cs=c.read_transplants(d,Target::Species).unwrap();
    for tr in &c.evaluation.trials{
      let e=evaluate_trial(&c.matcher,&p,&cs,&tr.study,tr.context,&PredictParams::default(),&ReportParams{metrics:vec![Metric::RocAuc],bootstrap:b.clone()}).unwrap();
      for q in &e.pairs{println!("{} {} {} p {:.3} base {:.3} rnd {:.3} rank {}",q.recipient_id,q.donor_id,q.response,q.p_response,q.p_response_baseline,q.p_response_random_donor,q.donor_rank);}
      for r in e.rows{println!("{:12} {:?} {:.3} {:.3} {:.3} n={}",r.comparator,r.scope,r.value.unwrap_or(f64::NAN),r.lo.unwrap_or(0.),r.hi.unwrap_or(0.),r.n_rows);}
    }
  }
  println!("{:?}",t.elapsed());
}
