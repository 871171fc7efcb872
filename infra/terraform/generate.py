"""Writes what the module `stack` has in common with infra/template.yaml.

    python3 infra/terraform/generate.py            writes stack/parameters.tf and stack/outputs.tf
    python3 infra/terraform/generate.py --check    fails if they do not match the template

Needs Python 3.11 or newer, and PyYAML. A variable has the name of its parameter in Terraform's
spelling (TaskRoleArns is task_role_arns), its words, its default and its rules.
"""

import json
import re
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
HEAD = (
    "# Written from infra/template.yaml by infra/terraform/generate.py; do not edit it by hand.\n"
)
WHOLE_NUMBERS = r"[-0-9|\[\]{},]+"


def main(arguments):
    template = yaml.safe_load((HERE.parent / "template.yaml").read_text())
    files = {
        "parameters.tf": parameters(template["Parameters"]),
        "outputs.tf": outputs(template["Outputs"]),
    }
    wrong = []
    for name, text in files.items():
        file = HERE / "stack" / name
        if arguments != ["--check"]:
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            wrong.append(str(file.relative_to(HERE.parents[1])))
    if wrong:
        sys.exit(
            f"FAILED: {' and '.join(wrong)} do not match infra/template.yaml; "
            "run: python3 infra/terraform/generate.py"
        )
    print(
        f"ok: the module stack has the template's {len(template['Parameters'])} parameters "
        f"and {len(template['Outputs'])} outputs"
    )


def parameters(of_template):
    names = {name: f"var.{snake(name)}" for name in of_template}
    values = {
        name: f'join(",", {names[name]})' if kind(parameter) == "list(string)" else names[name]
        for name, parameter in of_template.items()
    }
    blocks = [variable(name, parameter) for name, parameter in of_template.items()]
    table = "locals {\n  parameters = {\n" + aligned(values, 4) + "  }\n}\n"
    return "\n".join([HEAD, *blocks, table])


def variable(name, parameter):
    fields = {
        "description": quoted(parameter["Description"]),
        "type": kind(parameter),
        "nullable": "false",
    }
    if "Default" in parameter:
        fields["default"] = default(parameter)
    text = f'variable "{snake(name)}" {{\n' + aligned(fields, 2)
    if (rule := condition(name, parameter)) is not None:
        allowed, message = rule
        fields = {"condition": allowed, "error_message": quoted(message)}
        text += "\n  validation {\n" + aligned(fields, 4) + "  }\n"
    return text + "}\n"


def kind(parameter):
    if parameter["Type"] == "CommaDelimitedList":
        return "list(string)"
    if parameter.get("AllowedValues") == ["true", "false"]:
        return "bool"
    is_number = re.fullmatch(WHOLE_NUMBERS, parameter.get("AllowedPattern", "-a"))
    return "number" if parameter["Type"] == "Number" or is_number else "string"


def default(parameter):
    value = parameter["Default"]
    return quoted(value) if kind(parameter) == "string" else str(value)


def condition(name, parameter):
    """What a value must be, and what is said of another."""
    it = f"var.{snake(name)}"
    if pattern := parameter.get("AllowedPattern"):
        pattern, message = quoted(f"^(?:{pattern})$"), parameter["ConstraintDescription"]
        if kind(parameter) == "list(string)":
            rule = f"length({it}) > 0 && alltrue([for one in {it} : can(regex({pattern}, one))])"
            return rule, message
        it = f"tostring({it})" if kind(parameter) == "number" else it
        return f"can(regex({pattern}, {it}))", message
    allowed = parameter.get("AllowedValues")
    if allowed and kind(parameter) != "bool":
        words = ", ".join(str(value) for value in allowed)
        return f"contains({json.dumps(allowed)}, {it})", f"Must be one of {words}."
    return None


def outputs(of_template):
    blocks = []
    for name in of_template:
        fields = {
            "description": quoted(f"The stack's output {name}."),
            "value": f'aws_cloudformation_stack.slipway.outputs["{name}"]',
        }
        blocks.append(f'output "{snake(name)}" {{\n' + aligned(fields, 2) + "}\n")
    return "\n".join([HEAD, *blocks])


def aligned(fields, indent):
    """As terraform fmt would have it."""
    width = max(len(name) for name in fields)
    return "".join(f"{' ' * indent}{name:{width}} = {value}\n" for name, value in fields.items())


def quoted(text):
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


if __name__ == "__main__":
    main(sys.argv[1:])
