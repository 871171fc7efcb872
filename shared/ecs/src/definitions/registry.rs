//! Which registry an image comes from.
//!
//! A digest identifies the release only in ECR of this account, in any of its regions: replication
//! keeps the digest. A repository of the same name on Docker Hub or in another account is another
//! image.

/// Whether the image is in ECR of this account; if no account is known, in any ECR.
pub(crate) fn is_ours(image: &str, account: Option<&str>) -> bool {
    let Some((owner, kind)) = host_of(image).and_then(|host| host.split_once('.')) else {
        return false;
    };
    is_ecr(kind) && account.is_none_or(|account| account == owner)
}

/// The region of an ECR image: `….dkr.ecr.eu-central-1.amazonaws.com`, or in the newer form
/// `….dkr-ecr.eu-central-1.on.aws`.
pub(crate) fn region_of(image: &str) -> Option<&str> {
    let (_, kind) = host_of(image)?.split_once('.')?;
    let behind = kind.strip_prefix("dkr.").unwrap_or(kind);
    behind.split('.').nth(1).filter(|_| is_ecr(kind))
}

/// The host before the first slash; an image without one comes from Docker Hub.
pub(crate) fn host_of(image: &str) -> Option<&str> {
    let (host, _) = image.split_once('/')?;
    host.contains(['.', ':']).then_some(host)
}

fn is_ecr(kind: &str) -> bool {
    ["dkr.ecr.", "dkr.ecr-fips.", "dkr-ecr.", "dkr-ecr-fips."]
        .iter()
        .any(|start| kind.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::{is_ours, region_of};

    const OURS: [&str; 4] = [
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api:1",
        "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/scr-api",
        "123456789012.dkr-ecr.eu-central-1.on.aws/power-pto/web@sha256:1",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/scr-api:1",
    ];
    const OTHERS: [&str; 6] = [
        "nginx:1.25",
        "acme/api",
        "public.ecr.aws/acme/api:1",
        "localhost:5000/scr-api",
        "ghcr.io/acme/dkr.ecr.eu/api",
        "999999999999.dkr.ecr.eu-central-1.amazonaws.com/scr-api:1",
    ];

    #[test]
    fn only_ecr_of_this_account_is_ours_in_any_region() {
        for ours in OURS {
            assert!(is_ours(ours, Some("123456789012")), "{ours}");
            assert!(is_ours(ours, None), "{ours}");
        }
        for other in OTHERS {
            assert!(!is_ours(other, Some("123456789012")), "{other}");
        }
        let regions: Vec<_> = OURS.iter().filter_map(|ours| region_of(ours)).collect();
        assert_eq!(regions, ["eu-central-1", "us-east-1", "eu-central-1", "cn-north-1"]);
        assert_eq!(region_of("public.ecr.aws/acme/api:1"), None);
    }
}
