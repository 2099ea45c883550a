"""Random workflows for the model server: small combinations of every kind of step, drawn from one seed."""

from dataclasses import dataclass, field

from httptask.model import ForEach, Until
from model_server import step, workflow

#: Kinds whose lost request is settled without a person.
SETTLED = ("get", "put", "delete", "keyed", "checked", "since")
TAKES = {"type": "object", "properties": {"of": {}}}


@dataclass
class Drawing:
    """What is drawn for one workflow; `refused` are the things that the server refuses to do, each time it is asked."""

    chance: object
    kinds: tuple
    refused: set = field(default_factory=set)
    count: int = 0

    def flow(self, depth=0):
        steps, readable = [], []
        for _ in range(self.chance.randint(1, 4 if depth == 0 else 2)):
            made, names = self.any_step(depth, readable)
            steps.append(made)
            readable += names
        undoing = tuple(self.task(())[0] for _ in range(self.chance.choice((0, 0, 1, 2))))
        outputs = {name: f"{{{{ steps.{name}.outputs }}}}" for name in readable}
        return workflow(*steps, name=f"w{depth}", outputs=outputs, on_failure=undoing, inputs=TAKES)

    def any_step(self, depth, readable):
        draw = self.chance.random()
        makers = (
            (0.45, lambda: self.task(readable)),
            (0.6, lambda: self.items(depth)),
            (0.68, self.polled),
            (0.78, self.group),
            (0.84, lambda: (step(self.name(), None, wait=float(self.chance.randint(1, 90))), [])),
            (0.9, lambda: (step(self.name(), None, approve="go on?"), [])),
            (1.0, lambda: self.nested(depth)),
        )
        return next(maker for limit, maker in makers if draw < limit)()

    def name(self):
        self.count += 1
        return f"s{self.count}"

    def task(self, readable):
        name, more = self.name(), {}
        inputs = {"name": name}
        if readable and self.chance.random() < 0.4:
            inputs["of"] = f"{{{{ steps.{self.chance.choice(readable)}.outputs | string }}}}"
        if self.chance.random() < 0.15:
            self.refused.add(name)
            more["continue_on_error"] = self.chance.random() < 0.5
        elif self.chance.random() < 0.1:
            more["condition"] = "{{ false }}"
        made = step(name, self.kind(more), inputs=inputs, **more)
        return made, [] if name in self.refused or "condition" in more else [name]

    def kind(self, more):
        kind = self.chance.choice(self.kinds)
        if kind == "since":
            more["verify_before"] = True
        return kind

    def items(self, depth):
        name, count, more = self.name(), self.chance.randint(0, 4), {}
        goes_on = self.chance.random() < 0.3
        names = [f"{name}i{number}" for number in range(count)]
        for_each = ForEach("{{ " + repr(names) + " }}", self.chance.randint(1, 3), "continue" if goes_on else "stop")
        if count and self.chance.random() < 0.15:
            self.refused.add(self.chance.choice(names))
            more["continue_on_error"] = self.chance.random() < 0.5
        if depth == 0 and self.chance.random() < 0.3:
            inner = workflow(
                step("a", self.kind(first := {}), inputs={"name": "{{ inputs.of }}"}, **first),
                step("b", self.kind(second := {}), inputs={"name": "{{ steps.a.outputs.name }}b"}, **second),
                inputs=TAKES,
                outputs={"of": "{{ steps.b.outputs.name }}"},
            )
            return step(name, None, workflow=inner, for_each=for_each, inputs={"of": "{{ item }}"}, **more), []
        used = step(name, self.kind(more), for_each=for_each, inputs={"name": "{{ item }}"}, **more)
        return used, [] if self.refused & set(names) else [name]

    def polled(self):
        name = self.name()
        until = Until(f"{{{{ response.body.did >= {self.chance.randint(1, 3)} }}}}", None, 5.0, 600.0)
        return step(name, "tick", until=until), [name]

    def group(self):
        members = [self.task(()) for _ in range(self.chance.randint(2, 3))]
        more = {"condition": "{{ false }}"} if self.chance.random() < 0.1 else {}
        read = [name for _, names in members for name in names if not more]
        return step(self.name(), None, parallel=tuple(member for member, _ in members), **more), read

    def nested(self, depth):
        if depth > 0:
            return self.task(())
        return step(self.name(), None, workflow=self.flow(depth + 1)), []
