//! What one check costs: `cargo test --release -p longwire-server what_a_check_costs -- --ignored --nocapture`.
//!
//! Checks run on the control runtime itself, between two awaits. That is right as long as each takes well under a
//! millisecond; this is where the numbers come from.

use super::make::SigningKey;
use super::tests::config;
use super::*;
use crate::config::Algorithm;
use crate::login::testing::{NOW_MS, fixture, key_file_of};
use std::time::Instant;

const CLAIMS: &str = r#"{"sub":"alice","exp":4102444800,"iss":"https://issuer.example","aud":"chat"}"#;

#[tokio::test]
#[ignore = "a measurement"]
async fn what_a_check_costs() {
    let jwt = Jwt::build(&config()).unwrap();
    for algorithm in Algorithm::all() {
        let key =
            SigningKey::from_file(algorithm, &fixture(&key_file_of(algorithm).replace(".pub", ""))).unwrap();
        let name = algorithm.name();
        let token = key.seal(&format!(r#"{{"alg":"{name}","kid":"{name}"}}"#), CLAIMS).unwrap();
        let begin = Instant::now();
        for _ in 0..1000 {
            assert!(jwt.answer(&token, "alice", NOW_MS).await.is_ok());
        }
        println!("{name:>6} {:>4} µs", begin.elapsed().as_micros() / 1000);
    }
    let large = Key::from_file("k", Algorithm::RS256, &fixture("large_rsa.pub.pem")).unwrap();
    let begin = Instant::now();
    for _ in 0..1000 {
        assert!(large.verify(b"x", &[1; 512]).is_err());
    }
    println!("RS256 with 4096 bits {:>4} µs", begin.elapsed().as_micros() / 1000);
}
