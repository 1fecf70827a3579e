"""What people read, in English and Korean. A test sees that both languages have the same."""

import os

WORDS = {
    "en": {
        "changed": "{name} {loaded} is loaded, {installed} is installed: restart, or %aim reload",
        "changed_compiled": "{name} {loaded} is loaded, {installed} is installed: restart (%aim restart)",
        "again": "{name} {loaded} is loaded, and was installed again with other files: restart, or %aim reload",
        "again_compiled": "{name} {loaded} is loaded, and was installed again with other files: restart (%aim restart)",
        "removed": "{name} {loaded} is loaded, and not installed any more: restart (%aim restart)",
        "more": "and {count} more: %aim status",
        "current": "all that is loaded is what is installed",
        "generation": "generation {number} of {folder}",
        "no_record": "{folder} has no record: aim-venv-sync init begins one",
        "reloaded": "loaded again: {name} {loaded} → {installed} (modules: {count})",
        "not_reloaded": "nothing was loaded again, all is as it was: {name}: {error}",
        "has_compiled": "{name} cannot be loaded again, {module} is compiled: restart (%aim restart)",
        "is_gone": "{name} cannot be loaded again, it is not installed any more: restart (%aim restart)",
        "is_own": "{name} cannot be loaded again, this session itself runs on it: restart (%aim restart)",
        "restarts": "this kernel ends now, and Jupyter starts it again, without its variables"
        " (VS Code asks first; nbconvert and scripts do not start it again)",
        "no_kernel": "a session in a terminal cannot restart itself: leave it (Ctrl-D) and start it again",
        "idle": "nothing runs here, so the kernel is started again for what was installed; its variables are gone",
        "nobody_restarts": "not restarted when idle: who started this kernel would not start it again",
        "unknown_restart": "{value}: AIM_KERNEL_RESTART and the kernel's `restart` are never or idle; taken for never",
        "usage": "%aim status | reload | restart",
        "failed": "aim: could not look at the environment: {error}",
    },
    "ko": {
        "changed": "{name}: {loaded} 버전이 로드되어 있고 {installed} 버전이 설치되어 있습니다."
        " 커널을 재시작하거나 %aim reload를 입력하세요",
        "changed_compiled": "{name}: {loaded} 버전이 로드되어 있고 {installed} 버전이 설치되어 있습니다."
        " 커널을 재시작하세요(%aim restart)",
        "again": "{name}: {loaded} 버전이 로드되어 있고, 다른 파일로 다시 설치되었습니다."
        " 커널을 재시작하거나 %aim reload를 입력하세요",
        "again_compiled": "{name}: {loaded} 버전이 로드되어 있고, 다른 파일로 다시 설치되었습니다."
        " 커널을 재시작하세요(%aim restart)",
        "removed": "{name}: {loaded} 버전이 로드되어 있지만 이제 설치되어 있지 않습니다. 커널을 재시작하세요(%aim restart)",
        "more": "그 밖에 {count}개: %aim status",
        "current": "로드된 것은 모두 설치된 그대로입니다",
        "generation": "{folder} 환경의 세대: {number}",
        "no_record": "{folder}: 기록이 없습니다. aim-venv-sync init 명령이 기록을 시작합니다",
        "reloaded": "다시 로드함: {name} {loaded} → {installed} (모듈 {count}개)",
        "not_reloaded": "다시 로드한 것이 없고 모두 그대로입니다: {name}: {error}",
        "has_compiled": "{name}: 컴파일된 모듈({module})이 있어 다시 로드할 수 없습니다. 커널을 재시작하세요(%aim restart)",
        "is_gone": "{name}: 이제 설치되어 있지 않아 다시 로드할 수 없습니다. 커널을 재시작하세요(%aim restart)",
        "is_own": "{name}: 이 세션이 쓰고 있어 다시 로드할 수 없습니다. 커널을 재시작하세요(%aim restart)",
        "restarts": "이 커널은 지금 끝나고 Jupyter가 다시 시작합니다. 변수는 남지 않습니다"
        "(VS Code는 먼저 묻고, nbconvert와 스크립트는 다시 시작하지 않습니다)",
        "no_kernel": "터미널의 세션은 스스로 다시 시작할 수 없습니다. 끝내고(Ctrl-D) 다시 시작하세요",
        "idle": "실행 중인 것이 없어, 새로 설치된 것에 맞추어 커널을 다시 시작합니다. 변수는 남지 않습니다",
        "nobody_restarts": "유휴 상태에서도 재시작하지 않습니다: 이 커널을 시작한 프로그램이 다시 시작하지 않습니다",
        "unknown_restart": "{value}: AIM_KERNEL_RESTART와 커널의 `restart` 값은 never 또는 idle입니다. never로 봅니다",
        "usage": "%aim status | reload | restart",
        "failed": "aim: 환경을 살펴볼 수 없습니다: {error}",
    },
}


def say(key: str, **values: object) -> str:
    """The sentence of a key in the person's language, which is chosen as the toolkit's commands choose it."""
    return WORDS[language()][key].format(**values)


def language() -> str:
    named = (os.environ.get(name) for name in ("AIM_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))
    chosen = next((value for value in named if value), "")
    for mark in "_.-@":
        chosen = chosen.partition(mark)[0]
    return "ko" if chosen.lower() == "ko" else "en"
