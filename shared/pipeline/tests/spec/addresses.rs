//! What is reached under an address: URLs, ports, files, and what AWS calls its own.

use crate::names::{check, small, with};
use expect_test::expect;

#[test]
fn the_url_of_a_check() {
    let long = format!("https://shop.example/{}", "a".repeat(2048 - 21));
    let texts = [
        "https://shop.example",
        "http://shop.example:8080/health?deep=1#end",
        "https://shop.example?deep",
        "https://größe.example/",
        "https://[::1]/health",
        "https://[::1]:8443/health",
        "https://[]/",
        "https://[::1/",
        "https://a:b:80/",
        "https://shop_1.example/",
        "https://shop!/",
        "https:///health",
        "https://:80/",
        "https://shop.example:/",
        "https://shop.example:0/",
        "https://shop.example:65535/",
        "https://shop.example:65536/",
        "https://shop.example:+443/",
        "https://shop.example/a b",
        "https://shop.example/\u{7}",
        &long,
        &format!("{long}a"),
    ];
    check(
        |url| with(&format!("checks: [{{url: {url}}}]")),
        &texts,
        expect![[r#"
            https://shop.example: read
            http://shop.example:8080/health?deep=1#end: read
            https://shop.example?deep: read
            https://größe.example/: read
            https://[::1]/health: read
            https://[::1]:8443/health: read
            https://[]/: "https://[]/" has an invalid host; write https://example.com/health
            https://[::1/: "https://[::1/" has an invalid host; write https://example.com/health
            https://a:b:80/: "https://a:b:80/" has an invalid host; write https://example.com/health
            https://shop_1.example/: read
            https://shop!/: "https://shop!/" has an invalid host; write https://example.com/health
            https:///health: "https:///health" has no host; write https://example.com/health
            https://:80/: "https://:80/" has no host; write https://example.com/health
            https://shop.example:/: "https://shop.example:/" has an invalid port; write one from 1 to 65535
            https://shop.example:0/: "https://shop.example:0/" has an invalid port; write one from 1 to 65535
            https://shop.example:65535/: read
            https://shop.example:65536/: "https://shop.example:65536/" has an invalid port; write one from 1 to 65535
            https://shop.example:+443/: "https://shop.example:+443/" has an invalid port; write one from 1 to 65535
            https://shop.example/a b: "https://shop.example/a b" is not a URL; it may have no blanks and 2048 characters at most
            https://shop.example/: "https://shop.example/\u{7}" is not a URL; it may have no blanks and 2048 characters at most
            2048 letters: read
            2049 letters: "https://shop.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is not a URL; it may have no blanks and 2048 characters at most
        "#]],
    );
}

#[test]
fn the_ports_and_the_file_of_a_container_on_a_host() {
    let container = |rest: &str| {
        let service = format!("{{name: web, container: {{image: api, {rest}}}}}");
        small("{api: shop}", &format!("hosts: {{tags: {{a: b}}}}, services: [{service}]"))
    };
    let ports = [
        "8000:80",
        "8000:80/tcp",
        "8000:80/udp",
        "8000:80/sctp",
        "127.0.0.1:8000:80",
        "localhost:8000:80",
        "127.0.0.1:0:80",
        "127.0.0.1:80:0",
        "80",
        "0:80",
        "80:0",
        "80:65536",
        "+80:80",
        "1:2:3:4",
    ];
    check(
        |ports| container(&format!("ports: [{ports}]")),
        &ports,
        expect![[r#"
            8000:80: read
            8000:80/tcp: read
            8000:80/udp: read
            8000:80/sctp: "8000:80/sctp" is not a port mapping; write "8000:8000": the host's port, then the container's
            127.0.0.1:8000:80: read
            localhost:8000:80: "localhost:8000:80" is not a port mapping; write "8000:8000": the host's port, then the container's
            127.0.0.1:0:80: "127.0.0.1:0:80" is not a port mapping; write "8000:8000": the host's port, then the container's
            127.0.0.1:80:0: "127.0.0.1:80:0" is not a port mapping; write "8000:8000": the host's port, then the container's
            80: "80" is not a port mapping; write "8000:8000": the host's port, then the container's
            0:80: "0:80" is not a port mapping; write "8000:8000": the host's port, then the container's
            80:0: "80:0" is not a port mapping; write "8000:8000": the host's port, then the container's
            80:65536: "80:65536" is not a port mapping; write "8000:8000": the host's port, then the container's
            +80:80: "+80:80" is not a port mapping; write "8000:8000": the host's port, then the container's
            1:2:3:4: "1:2:3:4" is not a port mapping; write "8000:8000": the host's port, then the container's
        "#]],
    );
    let long = format!("/{}", "a".repeat(254));
    let files =
        ["/etc/shop-1_a@b.env", "etc/shop.env", "/etc/../shop", "/a b", &long, &format!("{long}a")];
    check(
        |file| container(&format!("env_file: {file}")),
        &files,
        expect![[r#"
        /etc/shop-1_a@b.env: read
        etc/shop.env: "etc/shop.env" is not a file on the host; write its whole path, such as /etc/faceplate.env
        /etc/../shop: "/etc/../shop" is not a file on the host; write its whole path, such as /etc/faceplate.env
        /a b: "/a b" is not a file on the host; write its whole path, such as /etc/faceplate.env
        255 letters: read
        256 letters: "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is not a file on the host; write its whole path, such as /etc/faceplate.env
    "#]],
    );
}

#[test]
fn where_a_service_is_created() {
    let create = |subnet: &str, group: &str, target: &str| {
        let balancer = format!("{{target_group: {target}, container: x, port: 80}}");
        let create = format!(
            "{{subnets: [{subnet}], security_groups: [{group}], load_balancer: {balancer}}}"
        );
        let template = "{family: x, containerDefinitions: [{name: x, image: shop}]}";
        let service = format!("{{name: d, create: {create}, base: {{template: {template}}}}}");
        small("{api: shop}", &format!("cluster: c, services: [{service}]"))
    };
    let target = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop/0";
    let long = format!("subnet-{}", "0".repeat(57));
    check(
        |subnet| create(subnet, "sg-0", target),
        &["subnet-0a", "vpc-0a", "subnet-0_a", &long, &format!("{long}0")],
        expect![[r#"
            subnet-0a: read
            vpc-0a: "vpc-0a" is not a subnet; write its id: subnet-…
            subnet-0_a: "subnet-0_a" is not a subnet; write its id: subnet-…
            subnet-000000000000000000000000000000000000000000000000000000000: read
            subnet-0000000000000000000000000000000000000000000000000000000000: "subnet-00000000000000000000000000000000000000000000000000000…" is not a subnet; write its id: subnet-…
        "#]],
    );
    let long = format!("sg-{}", "0".repeat(61));
    check(
        |group| create("subnet-0", group, target),
        &["sg-0a", "shop", "sg-0 a", &long, &format!("{long}0")],
        expect![[r#"
            sg-0a: read
            shop: "shop" is not a security group; write its id: sg-…
            sg-0 a: "sg-0 a" is not a security group; write its id: sg-…
            sg-0000000000000000000000000000000000000000000000000000000000000: read
            sg-00000000000000000000000000000000000000000000000000000000000000: "sg-000000000000000000000000000000000000000000000000000000000…" is not a security group; write its id: sg-…
        "#]],
    );
    let long = format!("{target}{}", "0".repeat(512 - target.len()));
    check(
        |target| create("subnet-0", "sg-0", target),
        &[
            target,
            &target[4..],
            "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/shop/0",
            "arn:aws:x:targetgroup/a b",
            &long,
            &format!("{long}0"),
        ],
        expect![[r#"
            arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop/0: read
            aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop/0: "aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop/0" is not a target group; write its ARN: arn:aws:elasticloadbalancing:…:targetgroup/…
            arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/shop/0: "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/shop/0" is not a target group; write its ARN: arn:aws:elasticloadbalancing:…:targetgroup/…
            arn:aws:x:targetgroup/a b: "arn:aws:x:targetgroup/a b" is not a target group; write its ARN: arn:aws:elasticloadbalancing:…:targetgroup/…
            512 letters: read
            513 letters: "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop/00…" is not a target group; write its ARN: arn:aws:elasticloadbalancing:…:targetgroup/…
        "#]],
    );
}
