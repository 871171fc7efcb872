"""Removes what infra/smoke has made, whatever happened before; says what it could not remove.

Everything is found by its name, so that it can be started again, and after an interrupted run.
"""

from account import Stack, Wrong, code_of
from botocore.exceptions import ClientError


class Removal:
    def __init__(self, account, name, say):
        self.account, self.name, self.say = account, name, say
        self.left = []

    def run(self):
        """Answers with what is left, each with how to remove it."""
        app, own = f"{self.name}-app", self.name
        # Slipway goes first: it could create a service again that is deleted under its hands.
        self._try(f"the stack {app}", lambda: self._delete_stack(app), of_stack(app))
        how = f"delete the table {app}-Table-* in the DynamoDB console"
        self._try("the table, which outlives its stack", self._delete_tables, how)
        how = f"delete the services in the cluster {own} in the ECS console"
        self._try("the services and tasks", self._empty_cluster, how)
        how = f"deregister the task definitions {own}-* in the ECS console"
        self._try("the task definitions", self._delete_definitions, how)
        how = f"empty the bucket of the stack {own} in the S3 console"
        self._try("the template in S3", self._empty_bucket, how)
        self._try(f"the stack {own}", lambda: self._delete_stack(own), of_stack(own))
        return self.left

    def _try(self, what, remove, how):
        """One thing that cannot be removed keeps none of the others."""
        self.say(f"removing {what}")
        try:
            remove()
        except KeyboardInterrupt:
            self.left.append((what, how, "interrupted"))
            raise
        except Exception as error:
            self.left.append((what, how, str(error) or repr(error)))

    def _delete_stack(self, name):
        """For some minutes a task that has ended holds its network interface, and the cluster."""
        stack = Stack(self.account, name)
        for _ in range(3):
            try:
                return stack.delete()
            except Wrong as wrong:
                self.say(f"   not yet: {wrong}")
                self.account.clock.sleep(60)
        return stack.delete()

    def _delete_tables(self):
        dynamodb = self.account.client("dynamodb")
        of_app = f"{self.name}-app-Table-"
        pages = dynamodb.get_paginator("list_tables").paginate()
        names = [one for page in pages for one in page["TableNames"] if one.startswith(of_app)]
        for name in names:
            self._delete_table(dynamodb, name)

    def _delete_table(self, dynamodb, name):
        def found():
            asked = {"TableName": name}
            return unless("ResourceNotFoundException", lambda: dynamodb.describe_table(**asked))

        table = found()
        if table and table["Table"].get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        if table and table["Table"]["TableStatus"] != "DELETING":
            dynamodb.delete_table(TableName=name)
        self.account.until(f"the deletion of {name}", lambda: not found(), 300)

    def _empty_cluster(self):
        ecs, cluster = self.account.client("ecs"), self.name
        gone = "ClusterNotFoundException"

        def delete(service):
            # One that was deleted before is listed for a while.
            asked = {"cluster": cluster, "service": service, "force": True}
            deleted = ("ServiceNotFoundException", "ServiceNotActiveException")
            unless(deleted, lambda: ecs.delete_service(**asked))

        listed = unless(gone, lambda: ecs.list_services(cluster=cluster))
        for service in (listed or {}).get("serviceArns", []):
            delete(service)

        def tasks():
            listed = unless(gone, lambda: ecs.list_tasks(cluster=cluster)) or {}
            return listed.get("taskArns", [])

        def stop(task):
            # It may have stopped since.
            unless("InvalidParameterException", lambda: ecs.stop_task(cluster=cluster, task=task))

        for task in tasks():
            stop(task)
        # Their network interfaces hold the security group.
        self.account.until("the end of the last task", lambda: not tasks(), 300)

    def _delete_definitions(self):
        ecs = self.account.client("ecs")

        def listed(family, status):
            found = ecs.list_task_definitions(familyPrefix=family, status=status)
            return found["taskDefinitionArns"]

        for family in (f"{self.name}-staging", f"{self.name}-production"):
            for arn in listed(family, "ACTIVE"):
                ecs.deregister_task_definition(taskDefinition=arn)
            found = listed(family, "INACTIVE")
            for first in range(0, len(found), 10):
                ecs.delete_task_definitions(taskDefinitions=found[first : first + 10])

    def _empty_bucket(self):
        stack = Stack(self.account, self.name)
        bucket = stack.find() and stack.resources().get("Bucket")
        if not bucket:
            return
        s3 = self.account.client("s3")
        found = unless("NoSuchBucket", lambda: s3.list_objects_v2(Bucket=bucket)) or {}
        for one in found.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=one["Key"])


def of_stack(name):
    return f"aws cloudformation delete-stack --stack-name {name}"


def unless(codes, call):
    """What a call answers; nothing, if AWS answers with one of these codes."""
    try:
        return call()
    except ClientError as error:
        if code_of(error) not in (codes if isinstance(codes, tuple) else (codes,)):
            raise
        return None
