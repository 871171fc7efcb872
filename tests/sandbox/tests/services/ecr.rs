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
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:a3bf05fa7946221d2a0bbbfb7487c09fa14c20509b92b5bb66f79b643a307ee2","image-tag":"","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:394378447705af4a5d29c5632990dab3dab08fa61108ade3cebec7c4157962c9","image-tag":"","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:acb5b3b37db9dc496d52d6a4d48f97177c04f34bc2393935d54b9d9d780d44a8","image-tag":"","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:f84c6ad588454a760d1276b0d6d8daa430521642bdac7cf255278998e1f07dbb","image-tag":"","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","image-digest":"sha256:782f51001e0ba71f5945bf4b2468b7e469e56827fc08717568c05cec5ce4b2d1","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.index.v1+json","repository-name":"scr-api","result":"SUCCESS"}
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
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:af564e7bcafb063e6a843bcb8ce832b51146fee9e7d0a87db23a2d772ad42121","image-tag":"latest","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:8b12ce7d4bf7021a17b43d5c302516c2019c40848e37d65cf37dd9cf3094a044","image-tag":"latest","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 "sha256:af564e7bcafb063e6a843bcb8ce832b51146fee9e7d0a87db23a2d772ad42121" null
        00:00 "sha256:8b12ce7d4bf7021a17b43d5c302516c2019c40848e37d65cf37dd9cf3094a044" ["latest"]
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
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:af564e7bcafb063e6a843bcb8ce832b51146fee9e7d0a87db23a2d772ad42121","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:af564e7bcafb063e6a843bcb8ce832b51146fee9e7d0a87db23a2d772ad42121","image-tag":"slipway-keep-scr.staging.1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 PutImage: ok
        00:00 PutImage: ImageAlreadyExistsException: Image with digest 'sha256:af564e7bcafb063e6a843bcb8ce832b51146fee9e7d0a87db23a2d772ad42121' and tag 'slipway-keep-scr.staging.1' already exists in the repository with name 'scr-api' in registry with id '123456789012'
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
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:af564e7bcafb063e6a843bcb8ce832b51146fee9e7d0a87db23a2d772ad42121","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 v1
        00:00 ImageTagAlreadyExistsException
        00:00 latest
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:af564e7bcafb063e6a843bcb8ce832b51146fee9e7d0a87db23a2d772ad42121","image-tag":"latest","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 latest
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:8b12ce7d4bf7021a17b43d5c302516c2019c40848e37d65cf37dd9cf3094a044","image-tag":"latest","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
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
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:af564e7bcafb063e6a843bcb8ce832b51146fee9e7d0a87db23a2d772ad42121","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00   ECR Image Action: {"action-type":"UPDATE_STORAGE_CLASS","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:af564e7bcafb063e6a843bcb8ce832b51146fee9e7d0a87db23a2d772ad42121","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS","target-storage-class":"ARCHIVE"}
        00:00 "ARCHIVED"
        00:00 [{"failureCode":"ImageInaccessible","failureReason":"Requested image is archived","imageId":{"imageTag":"v1"}}]
        00:00   ECR Image Action: {"action-type":"DELETE","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:af564e7bcafb063e6a843bcb8ce832b51146fee9e7d0a87db23a2d772ad42121","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 DescribeImages: ImageNotFoundException: The image with imageId {imageDigest:'null', imageTag:'v1'} does not exist within the repository with name 'scr-api' in the registry with id '123456789012'
        00:00 [{"failureCode":"ImageNotFound","failureReason":"Requested image not found","imageId":{"imageTag":"v1"}}]
        00:00 DescribeRepositories: RepositoryNotFoundException: The repository with name 'scr-web' does not exist in the registry with id '123456789012'
        00:00   ECR Replication Action: {"action-type":"REPLICATE","image-digest":"sha256:8b12ce7d4bf7021a17b43d5c302516c2019c40848e37d65cf37dd9cf3094a044","image-tag":"v2","repository-name":"scr-api","result":"SUCCESS","source-account":"123456789012","source-region":"eu-west-1"}
    "#]].assert_eq(&room.story());
}

#[test]
fn what_an_image_says_of_itself_lies_in_s3() {
    let mut room = registry(Mutability::Mutable);
    let image = Image::single("one").on("linux/arm64").created("2026-11-20T09:30:00Z");
    let digest =
        push(&mut room, "v1", &image.labelled("org.opencontainers.image.revision", "3f2a9c1"));
    let get = json!({ "repositoryName": "scr-api", "imageIds": [{ "imageDigest": digest }] });
    let manifest = room.ask("BatchGetImage", &get)["images"][0]["imageManifest"].clone();
    let manifest: Value =
        serde_json::from_str(manifest.as_str().unwrap_or("{}")).unwrap_or_default();
    let layer = |digest: &Value| json!({ "repositoryName": "scr-api", "layerDigest": digest });
    let answer = room.ask("GetDownloadUrlForLayer", &layer(&manifest["config"]["digest"]));
    let address = answer["downloadUrl"].as_str().unwrap_or_default().to_owned();
    let key = address.trim_start_matches("/layers/").split('?').next().unwrap_or_default();
    let object = room.ask("GetObject", &json!({ "Key": key }));
    room.line(object["Body"].as_str().unwrap_or_default());
    room.say("GetDownloadUrlForLayer", &layer(&json!("sha256:0")));
    room.say("GetObject", &json!({ "Key": "scr-api/sha256:0" }));
    expect![[r#"
        00:00   ECR Image Action: {"action-type":"PUSH","artifact-media-type":"application/vnd.oci.image.config.v1+json","image-digest":"sha256:833b7cb60715f1517e1d03a17ade6ff75d0cb7ae1ec8f0cb353a00d69efdf1a2","image-tag":"v1","manifest-media-type":"application/vnd.oci.image.manifest.v1+json","repository-name":"scr-api","result":"SUCCESS"}
        00:00 {"architecture":"arm64","config":{"Labels":{"org.opencontainers.image.revision":"3f2a9c1"}},"created":"2026-11-20T09:30:00Z","os":"linux","rootfs":{"diff_ids":["sha256:a62f9a9bcede5a6fbdc5ee0d8bdbd3841af74da29af374c20dad4fadab651d39"],"type":"layers"}}
        00:00 GetDownloadUrlForLayer: LayersNotFoundException: The layer with digest 'sha256:0' does not exist in the repository with name 'scr-api' in the registry with id '123456789012'
        00:00 GetObject: NoSuchKey: The specified key does not exist.
    "#]].assert_eq(&room.story());
}
