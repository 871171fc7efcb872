//! Pushes, tags, and what can be said about them later.

use crate::room::Room;
use expect_test::expect;
use sandbox::ecr::{Ecr, Image, Mutability};
use serde_json::{Value, json};

fn registry(mutability: Mutability) -> Room<Ecr> {
    let mut room = Room::new("ecr", Ecr::new());
    room.service.create_repository("scr-api", mutability);
    room
}

fn push(room: &mut Room<Ecr>, tag: &str, image: &Image) -> String {
    let pushed = room.at_desk(|ecr, desk| ecr.push("scr-api", tag, image, desk));
    match pushed {
        Ok(digest) => digest,
        Err(refusal) => {
            room.line(&refusal.code);
            String::new()
        }
    }
}

#[test]
fn a_push_of_two_platforms_is_five_events() {
    let mut room = registry(Mutability::Mutable);
    let image = Image::buildx("one", &["linux/amd64", "linux/arm64"]);
    push(&mut room, "v1", &image);
    expect![[r#"
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:44b6864dba2269abd23b0e9ca1e5f810dcb650d23c0f40120994edaef265a31c","image-tag":"","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:923ed84f0eab05c5daa95de5f4573f98b7977670041350f42de90c726e51fdb8","image-tag":"","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:82b5ec63d5743bd2140da6f4ba9873087406a903ae231d4bbd6e0422133bfd41","image-tag":"","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:d60b8eb167d892d62634a9106a85ea7c6a167efe9257e1abf4e1f895d1c6f879","image-tag":"","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","image-digest":"sha256:6a35997bb0ebe0b7df4e5b6f227022b9120db824de4ee0da65d8003444fea173","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.index.v1+json","repository-name":"scr-api","result":"SUCCESS"}
    "#]].assert_eq(&room.story());
}

#[test]
fn a_tag_that_moves_leaves_the_old_image_without() {
    let mut room = registry(Mutability::Mutable);
    push(&mut room, "latest", &Image::single("one"));
    push(&mut room, "latest", &Image::single("two"));
    let answer = room.ask("DescribeImages", &json!({ "repositoryName": "scr-api" }));
    for image in answer["imageDetails"].as_array().into_iter().flatten() {
        room.line(&format!("{} {}", image["imageDigest"], image["imageTags"]));
    }
    expect![[r#"
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:2173e1614b699341b4fcd30649e76fb483a62be764bf47f734fcc0a134cd4be9","image-tag":"latest","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:bdfd65d4f3c61e41aa837f014e6d856a48ece55fa662d02daec6c3869d56b1a8","image-tag":"latest","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 "sha256:2173e1614b699341b4fcd30649e76fb483a62be764bf47f734fcc0a134cd4be9" null
        00:00 "sha256:bdfd65d4f3c61e41aa837f014e6d856a48ece55fa662d02daec6c3869d56b1a8" ["latest"]
    "#]].assert_eq(&room.story());
}

#[test]
fn keeping_an_image_by_another_tag() {
    let mut room = registry(Mutability::Mutable);
    let digest = push(&mut room, "v1", &Image::single("one"));
    let get = json!({ "repositoryName": "scr-api", "imageIds": [{ "imageDigest": digest }] });
    let image = room.ask("BatchGetImage", &get)["images"][0].clone();
    let mut put = json!({
        "repositoryName": "scr-api",
        "imageManifest": image["imageManifest"],
        "imageManifestMediaType": image["imageManifestMediaType"],
        "imageTag": "slipway-keep-scr.staging.1",
        "imageDigest": digest,
    });
    room.say("PutImage", &put);
    room.say("PutImage", &put);
    let printed = serde_json::from_str::<Value>(image["imageManifest"].as_str().unwrap_or("{}"));
    put["imageManifest"] = json!(printed.unwrap_or_default().to_string());
    room.say("PutImage", &put);
    expect![[r#"
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:2173e1614b699341b4fcd30649e76fb483a62be764bf47f734fcc0a134cd4be9","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:2173e1614b699341b4fcd30649e76fb483a62be764bf47f734fcc0a134cd4be9","image-tag":"slipway-keep-scr.staging.1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 PutImage: ok
        00:00 PutImage: ImageAlreadyExistsException: Image with digest 'sha256:2173e1614b699341b4fcd30649e76fb483a62be764bf47f734fcc0a134cd4be9' and tag 'slipway-keep-scr.staging.1' already exists in the repository with name 'scr-api' in registry with id '123456789012'
        00:00 PutImage: ImageDigestDoesNotMatchException: The specified image digest does not match the digest that Amazon ECR calculated for the image.
    "#]].assert_eq(&room.story());
}

#[test]
fn tags_that_may_not_move() {
    let mut room = registry(Mutability::ImmutableExcept(vec!["latest*".into()]));
    for (tag, content) in [("v1", "one"), ("v1", "two"), ("latest", "one"), ("latest", "two")] {
        room.line(tag);
        push(&mut room, tag, &Image::single(content));
    }
    expect![[r#"
        00:00 v1
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:2173e1614b699341b4fcd30649e76fb483a62be764bf47f734fcc0a134cd4be9","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 v1
        00:00 ImageTagAlreadyExistsException
        00:00 latest
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:2173e1614b699341b4fcd30649e76fb483a62be764bf47f734fcc0a134cd4be9","image-tag":"latest","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 latest
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:bdfd65d4f3c61e41aa837f014e6d856a48ece55fa662d02daec6c3869d56b1a8","image-tag":"latest","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
    "#]].assert_eq(&room.story());
}

#[test]
fn images_that_are_gone() {
    let mut room = registry(Mutability::Mutable);
    let digest = push(&mut room, "v1", &Image::single("one"));
    let by_tag = json!({ "repositoryName": "scr-api", "imageIds": [{ "imageTag": "v1" }] });
    room.at_desk(|ecr, desk| ecr.archive("scr-api", &digest, true, desk));
    let shown = room.ask("DescribeImages", &by_tag)["imageDetails"][0]["imageStatus"].clone();
    room.line(&shown.to_string());
    let got = room.ask("BatchGetImage", &by_tag)["failures"].clone();
    room.line(&got.to_string());
    room.at_desk(|ecr, desk| ecr.delete("scr-api", &digest, desk));
    room.say("DescribeImages", &by_tag);
    let got = room.ask("BatchGetImage", &by_tag)["failures"].clone();
    room.line(&got.to_string());
    room.say("DescribeRepositories", &json!({ "repositoryNames": ["scr-api", "scr-web"] }));
    room.at_desk(|ecr, desk| ecr.replicate("scr-api", "v2", &Image::single("two"), desk)).ok();
    expect![[r#"
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:2173e1614b699341b4fcd30649e76fb483a62be764bf47f734fcc0a134cd4be9","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"UPDATE_STORAGE_CLASS","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:2173e1614b699341b4fcd30649e76fb483a62be764bf47f734fcc0a134cd4be9","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS","target-storage-class":"ARCHIVE"}
        00:00 "ARCHIVED"
        00:00 [{"failureCode":"ImageInaccessible","failureReason":"Requested image is archived","imageId":{"imageTag":"v1"}}]
        00:00   ECR Image Action: {"action-type":"DELETE","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:2173e1614b699341b4fcd30649e76fb483a62be764bf47f734fcc0a134cd4be9","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 DescribeImages: ImageNotFoundException: The image with imageId {imageDigest:'null', imageTag:'v1'} does not exist within the repository with name 'scr-api' in the registry with id '123456789012'
        00:00 [{"failureCode":"ImageNotFound","failureReason":"Requested image not found","imageId":{"imageTag":"v1"}}]
        00:00 DescribeRepositories: RepositoryNotFoundException: The repository with name 'scr-web' does not exist in the registry with id '123456789012'
        00:00   ECR Replication Action: {"action-type":"REPLICATE","image-digest":"sha256:bdfd65d4f3c61e41aa837f014e6d856a48ece55fa662d02daec6c3869d56b1a8","image-tag":"v2","repository-name":"scr-api","result":"SUCCESS","source-account":"123456789012","source-region":"eu-west-1"}
    "#]].assert_eq(&room.story());
}
